import { FunctionStage } from './function-stage.js';
import { checkStageOptions, ProgramStage } from './program-stage.js';
import { type StageFunction } from './function-run.js';
import { type ChainStage } from './stage.js';

/** Makes a stage of what a user gave. Throws TypeError, which names the stage by its number, if it cannot be one. */
export function checkStage(stage: unknown, index: number): ChainStage {
  if (typeof stage === 'function') return new FunctionStage(stage as StageFunction);
  try {
    return new ProgramStage(checkStageOptions(stage));
  } catch (error) {
    if (error instanceof TypeError) error.message = `stage ${String(index + 1)}: ${error.message}`;
    throw error;
  }
}
