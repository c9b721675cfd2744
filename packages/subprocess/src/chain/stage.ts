import { type OutputOption } from '../io/sink.js';
import { type ProgramGroup } from './program-group.js';
import { type Run, type Source } from './run.js';
import { type SharedStderr } from './chain-stderr.js';

/** The values that a chain gives to the stages that it starts. */
export interface Surroundings {
  readonly group: ProgramGroup;
  /** The stderr of all programs that have none of their own. */
  readonly stderr: SharedStderr;
  /** Milliseconds. */
  readonly grace: number;
  /** The target of the chain's output; undefined if the output is read here. */
  readonly output: OutputOption | undefined;
  /** Called with what the chain's input threw. */
  readonly onInputFailure: (reason: unknown) => void;
  /** Called when a function has thrown, before any other stage sees the end of its output. */
  readonly onFunctionFailure: () => void;
}

/** A stage of a chain. Each run of the chain starts it anew. */
export interface ChainStage {
  /** Given values that must be closed if the stage was not started: another process may wait at the other side of a pipe. */
  readonly given: readonly unknown[];
  /** Throws if it cannot be started now: an end that it was given may have moved. */
  check(): void;
  /** Starts it in this turn of the event loop. */
  start(source: Source, isLast: boolean, surroundings: Surroundings): Run;
  /** As a shell would write it. */
  toString(): string;
}
