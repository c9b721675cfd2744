import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { FileReport } from './file-report.js';
import { LineScanner } from './line-scanner.js';

const block = Buffer.allocUnsafe(1024 * 1024);

/** Looks at a file of the current directory. Resolves with the report, or with the reason why there is none. */
export async function examine(
  path: string,
  pattern: RegExp,
  onRead: (bytes: number) => Promise<void> = () => Promise.resolve(),
): Promise<FileReport | string> {
  let fd: number | undefined;
  try {
    // The name may be something else by now: do not follow a link, and do not wait for a FIFO.
    fd = openSync(Buffer.from(path, 'latin1'), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!fstatSync(fd).isFile()) return 'not a file any more';
    const hash = createHash('sha1');
    const scanner = new LineScanner(pattern);
    let bytes = 0;
    for (let count = readSync(fd, block); count > 0; count = readSync(fd, block)) {
      const piece = block.subarray(0, count);
      hash.update(piece);
      scanner.push(piece);
      bytes += count;
      await onRead(count);
    }
    scanner.end();
    return new FileReport(path, bytes, scanner.lines, scanner.matches, hash.digest('hex'));
  } catch (error) {
    return reasonOf(error as Error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function reasonOf(error: Error): string {
  // V8's longest string has 512 MiB. A pattern that backtracks much ends earlier, at the end of the stack.
  if (error instanceof RangeError) return 'a line is too long for the pattern';
  // `EACCES: permission denied, open 'name'`
  return error.message.split(', ', 1)[0] as string;
}
