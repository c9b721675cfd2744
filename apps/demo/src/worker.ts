import { type Channel } from '@aiopipe/codec';
import { type WriteEnd } from '@aiopipe/core';
import { target } from '@aiopipe/process';
import { examine } from './examine.js';
import { type Answer, type FileTask } from './messages.js';
import { compilePattern } from './pattern.js';

/** Bytes between two reports of progress. */
const TELL_BYTES = 4 * 1024 * 1024;

/**
 * Looks at files while there are tasks. Tasks come over a channel. Over a plain pipe it writes, line by line, how many bytes
 * it has read since the line before.
 */
export const censusWorker = target(
  import.meta.url,
  'censusWorker',
  async (tasks: Channel<Answer, FileTask>, progressEnd: WriteEnd, patternSource: string): Promise<void> => {
    const pattern = compilePattern(patternSource);
    await using progress = progressEnd.open();
    let untold = 0;
    const onRead = async (bytes: number): Promise<void> => {
      untold += bytes;
      if (untold < TELL_BYTES) return;
      void progress.write(`${String(untold)}\n`);
      untold = 0;
      // Now, not at the end of a large file.
      await progress.drain();
    };
    for await (const { id, path } of tasks) {
      const found = await examine(path, pattern, onRead);
      await tasks.put(typeof found === 'string' ? { id, skipped: found } : { id, report: found });
    }
    void progress.write(`${String(untold)}\n`);
  },
);
