import { writeSync } from 'node:fs';

type Name = 'stdout' | 'stderr';

/** What Node's stream over a pipe or socket has inside, and nothing public tells. */
interface Inside {
  readonly fd: number;
  readonly _handle?: { readonly writeQueueSize?: number; setBlocking?(on: boolean): void } | null;
  readonly _writableState?: { getBuffer?(): readonly { chunk: string | Buffer; encoding: BufferEncoding }[] };
  _write(chunk: string | Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void;
  _writev?: ((chunks: readonly Written[], done: (error?: Error | null) => void) => void) | null;
}

interface Written {
  readonly chunk: string | Buffer;
  readonly encoding: BufferEncoding;
}

/** Those that were asked for, and what of each Node has handed to libuv and was not told of since. */
const used = new Map<Name, Written[]>();

// Asking for such a stream makes it, and a pipe non-blocking for all who share it: so it must not be asked for at the end
// by a child that never wrote to it.
for (const name of ['stdout', 'stderr'] as const) {
  const descriptor = Object.getOwnPropertyDescriptor(process, name);
  if (descriptor?.get === undefined || descriptor.configurable !== true) continue;
  const get = descriptor.get.bind(process) as () => unknown;
  Object.defineProperty(process, name, {
    ...descriptor,
    get: () => {
      const stream = get();
      if (!used.has(name)) {
        used.set(name, []);
        watch(name, stream as Inside);
      }
      return stream;
    },
  });
}

/** Notes what is being written, for as long as it is. */
function watch(name: Name, stream: Inside): void {
  const { _write, _writev } = stream;
  const noting = (chunks: readonly Written[], done: (error?: Error | null) => void) => {
    used.set(name, [...chunks]);
    return (error?: Error | null) => {
      used.set(name, []);
      done(error);
    };
  };
  stream._write = (chunk, encoding, done) => {
    _write.call(stream, chunk, encoding, noting([{ chunk, encoding }], done));
  };
  if (typeof _writev !== 'function') return;
  stream._writev = (chunks, done) => {
    _writev.call(stream, chunks, noting(chunks, done));
  };
}

/**
 * Resolves when what was written to stdout and stderr is with the kernel: to a pipe that is full, Node writes later, and
 * `process.exit()` would drop it. What failed doesn't count.
 */
export async function flushStdio(): Promise<void> {
  await Promise.all([...used.keys()].map((name) => flush(process[name])));
}

async function flush(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0) return;
  stream.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    stream.write('', () => {
      resolve();
    });
  });
}

// The target's own process.exit() leaves no time for that: then the rest is written here and now.
process.on('exit', () => {
  for (const [name, written] of used) writeRest(process[name] as unknown as Inside, written);
});

function writeRest(stream: Inside, written: readonly Written[]): void {
  const { fd, _handle: handle } = stream;
  // A file or a terminal is written at once, always.
  if (handle?.writeQueueSize === undefined) return;
  handle.setBlocking?.(true);
  const begun = Buffer.concat(written.map(bytesOf));
  const rest = (stream._writableState?.getBuffer?.() ?? []).map(bytesOf);
  writeAll(fd, Buffer.concat([begun.subarray(begun.length - handle.writeQueueSize), ...rest]));
  // Whoever writes in a listener of theirs to this event comes later.
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
    // Its reader is gone.
  }
}
