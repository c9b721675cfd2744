import { type StageFunction } from './function-run.js';
import { checkTarget } from '@aiopipe/core/internal';
import { openTarget, type OutputOption } from '../io/target.js';

/**
 * A stage that passes on what it reads and writes it to `target` as well: the slower of the two sets the pace. A target
 * that nobody reads any more is left out, and the chain goes on; any other failure to write is the stage's failure. If
 * nobody reads the chain's output any more, the target ends there.
 *
 * It is a function that runs here. For a file by its path the program is cheaper: `['tee', path]`.
 */
export function tee(target: OutputOption): StageFunction {
  checkTarget('tee', target);
  const stage: StageFunction = async function* tee(input, signal) {
    const copy = openTarget(target, 'the target of tee');
    signal.addEventListener('abort', copy.destroy);
    try {
      let isRead = true;
      for await (const chunk of input) {
        if (isRead) isRead = await copy.write(chunk);
        yield chunk;
      }
      await copy.close();
    } finally {
      copy.destroy();
    }
  };
  targets.set(stage, target);
  return stage;
}

const targets = new WeakMap<StageFunction, OutputOption>();

/** Where a stage that {@link tee} made writes to. */
export function targetOf(stage: StageFunction): OutputOption | undefined {
  return targets.get(stage);
}
