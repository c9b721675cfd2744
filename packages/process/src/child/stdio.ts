import { writeSync } from 'node:fs';
import { RunningWrites } from './running-writes.js';

type Name = 'stdout' | 'stderr';

/** Internal fields of Node's stream over a pipe or socket. No public interface has them. */
interface Inside {
  readonly fd: number;
  readonly _handle?: { readonly writeQueueSize?: number; setBlocking?(on: boolean): void } | null;
  readonly writableLength: number;
  readonly writableCorked: number;
  readonly _writableState?: { getBuffer?(): readonly { chunk: string | Buffer; encoding: BufferEncoding }[] };
  _write(chunk: string | Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void;
  _writev?: ((chunks: readonly Written[], done: (error?: Error | null) => void) => void) | null;
  write(chunk: string, done: () => void): boolean;
  uncork(): void;
  on(event: 'error', listener: () => void): unknown;
}

interface Written {
  readonly chunk: string | Buffer;
  readonly encoding: BufferEncoding;
}

/** A stream as Node made it. The user's code may replace these functions, or the stream. */
interface Output {
  readonly stream: Inside;
  readonly write: Inside['write'];
  readonly uncork: Inside['uncork'];
  readonly on: Inside['on'];
  /** Writes that Node has handed to libuv and that have not completed. */
  written: Written[];
  /** Whether the stream's bytes still go the way that we watch. */
  isOurs(): boolean;
}

/** Those that were asked for. */
const used = new Map<Name, Output>();

/** Those of Bun. It makes both when their properties are looked at, and has no getter that could tell whether they are used. */
const ofBun: RunningWrites[] = [];

// Asking for such a stream makes it, and a pipe non-blocking for all who share it: so it must not be asked for at the end
// by a child that never wrote to it.
for (const name of ['stdout', 'stderr'] as const) {
  const descriptor = Object.getOwnPropertyDescriptor(process, name);
  if (process.versions['bun'] !== undefined) ofBun.push(new RunningWrites(process[name]));
  if (descriptor?.get === undefined || descriptor.configurable !== true) continue;
  const get = descriptor.get.bind(process) as () => unknown;
  Object.defineProperty(process, name, {
    ...descriptor,
    get: () => {
      const stream = get();
      if (!used.has(name)) used.set(name, watch(stream as Inside));
      return stream;
    },
  });
}

/** Tracks the running writes of a stream. */
function watch(stream: Inside): Output {
  const { _write, _writev, write, uncork, on } = stream;
  const noting = (chunks: readonly Written[], done: (error?: Error | null) => void) => {
    output.written = [...chunks];
    return (error?: Error | null) => {
      output.written = [];
      done(error);
    };
  };
  const one: Inside['_write'] = (chunk, encoding, done) => {
    _write.call(stream, chunk, encoding, noting([{ chunk, encoding }], done));
  };
  const many: Inside['_writev'] =
    typeof _writev === 'function'
      ? (chunks, done) => {
          _writev.call(stream, chunks, noting(chunks, done));
        }
      : _writev;
  const output: Output = {
    stream,
    write,
    uncork,
    on,
    written: [],
    isOurs: () => stream._write === one && stream._writev === many,
  };
  stream._write = one;
  if (many !== undefined) stream._writev = many;
  return output;
}

/**
 * Resolves when what was written to stdout and stderr is with the kernel: to a pipe that is full, Node writes later, and
 * `process.exit()` would drop it. A write that failed does not count.
 */
export async function flushStdio(): Promise<void> {
  await Promise.all([...[...used.values()].map(flush), ...ofBun.map((writes) => writes.settled())]);
}

/** Calls only Node's own functions: a replacement by the user may never call back, and the process would never end. */
async function flush({ stream, write, uncork, on, isOurs }: Output): Promise<void> {
  // Then the rest is written when the process exits, as after the target's own process.exit().
  if (!isOurs()) return;
  while (stream.writableCorked > 0) uncork.call(stream);
  if (stream.writableLength === 0) return;
  on.call(stream, 'error', () => undefined);
  await new Promise<void>((resolve) => {
    write.call(stream, '', () => {
      resolve();
    });
  });
}

// The target's own process.exit() leaves no time for that: then the rest is written here and now.
process.on('exit', () => {
  for (const { stream, written } of used.values()) writeRest(stream, written);
});

function writeRest(stream: Inside, written: readonly Written[]): void {
  const { fd, _handle: handle } = stream;
  // A file or a terminal is written at once, always.
  if (handle?.writeQueueSize === undefined) return;
  handle.setBlocking?.(true);
  const begun = Buffer.concat(written.map(bytesOf));
  const rest = (stream._writableState?.getBuffer?.() ?? []).map(bytesOf);
  writeAll(fd, Buffer.concat([begun.subarray(begun.length - handle.writeQueueSize), ...rest]));
  // A write from a user's listener of this event comes later.
  Object.assign(stream, {
    write: (chunk: string | Buffer, encoding: unknown) => {
      writeAll(fd, bytesOf({ chunk, encoding: typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8' }));
      return true;
    },
  });
}

function bytesOf({ chunk, encoding }: Written): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
}

function writeAll(fd: number, bytes: Buffer): void {
  try {
    for (let offset = 0; offset < bytes.length;) offset += writeSync(fd, bytes, offset);
  } catch {
    // The reader has closed.
  }
}
