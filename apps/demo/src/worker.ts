import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type Channel } from '@aiopipe/codec';
import { type WriteEnd } from '@aiopipe/core';
import { target } from '@aiopipe/process';
import { FileReport } from './file-report.js';
import { LineScanner } from './line-scanner.js';
import { type Answer, type FileTask } from './messages.js';
import { compilePattern } from './pattern.js';

/** How often the progress is told, in bytes and files. */
const TELL_BYTES = 4 * 1024 * 1024;
const TELL_FILES = 50;

const block = Buffer.allocUnsafe(1024 * 1024);

/**
 * Looks at files for as long as there are tasks. It is told what to do over a channel, and tells how far it is over a
 * plain pipe, in lines: `<files> <bytes>` since the line before.
 */
export const censusWorker = target(
  import.meta.url,
  'censusWorker',
  async (tasks: Channel<Answer, FileTask>, progressEnd: WriteEnd, patternSource: string): Promise<void> => {
    const pattern = compilePattern(patternSource);
    await using progress = progressEnd.open();
    let files = 0;
    let bytes = 0;
    const tell = (count: number) => {
      bytes += count;
      if (bytes < TELL_BYTES && files < TELL_FILES) return;
      void progress.write(`${String(files)} ${String(bytes)}\n`);
      files = bytes = 0;
    };
    for await (const { id, path } of tasks) {
      const found = examine(path, pattern, tell);
      files++;
      await tasks.put(typeof found === 'string' ? { id, skipped: found } : { id, report: found });
    }
    void progress.write(`${String(files)} ${String(bytes)}\n`);
  },
);

/** The report, or the code of what stood in its way. */
function examine(path: string, pattern: RegExp, tell: (bytes: number) => void): FileReport | string {
  let fd: number;
  try {
    // What was a file in the list may be something else by now: a link is not followed, a FIFO not waited for.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    fd = openSync(Buffer.from(path, 'latin1'), flags);
  } catch (error) {
    return codeOf(error);
  }
  try {
    if (!fstatSync(fd).isFile()) return 'not a file any more';
    const hash = createHash('sha1');
    const scanner = new LineScanner(pattern);
    let bytes = 0;
    for (let count = readSync(fd, block); count > 0; count = readSync(fd, block)) {
      const piece = block.subarray(0, count);
      hash.update(piece);
      scanner.push(piece);
      bytes += count;
      tell(count);
    }
    scanner.end();
    return new FileReport(path, bytes, scanner.lines, scanner.matches, hash.digest('hex'));
  } catch (error) {
    return codeOf(error);
  } finally {
    closeSync(fd);
  }
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
