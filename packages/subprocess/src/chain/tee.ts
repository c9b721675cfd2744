import { type StageFunction } from './function-run.js';
import { checkTarget } from '@aiopipe/core/internal';
import { openSink, type OutputOption } from '../io/sink.js';

/**
 * Makes a stage that passes on what it reads and writes it to `target` as well; the slower of the two sets the pace. If
 * the reader of `target` has gone, the chain goes on without it. If a write fails otherwise, the stage fails with a
 * SystemError as the `cause`. If no program reads the stage's output any more, it stops writing to `target`, too.
 *
 * The stage is a function in this process. For a file by its path, the program costs less: `['tee', path]`.
 *
 * Throws TypeError for a target that cannot be written to.
 *
 * @example
 * ```ts
 * import { aiopipe } from '@aiopipe/core';
 * import { pipeline, tee } from '@aiopipe/subprocess';
 *
 * const [rx, tx] = aiopipe();
 * await using reader = rx.open();
 * const { stdout } = await pipeline(['echo', 'hello'], tee(tx), ['wc', '-c']).run();
 * console.log(Number(stdout), String(await reader.read()).trim());
 * ```
 * ```text
 * 6 hello
 * ```
 */
export function tee(target: OutputOption): StageFunction {
  checkTarget('tee', target);
  // A method keeps its name when it is bundled: it is the stage's name.
  const { tee: stage }: Record<'tee', StageFunction> = {
    async *tee(input, signal) {
      const copy = openSink(target, 'the target of tee');
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
    },
  };
  targets.set(stage, target);
  return stage;
}

const targets = new WeakMap<StageFunction, OutputOption>();

/** Returns the target of a stage that {@link tee} made. */
export function targetOf(stage: StageFunction): OutputOption | undefined {
  return targets.get(stage);
}
