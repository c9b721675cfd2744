import { closeSync, readSync, writeSync } from 'node:fs';

/** The part of Deno that calls C functions. */
interface Deno {
  dlopen(
    library: string,
    functions: Record<string, { parameters: readonly string[]; result: string }>,
  ): {
    symbols: Record<'read' | 'write' | 'close', (fd: number, bytes?: Uint8Array, length?: bigint) => bigint | number>;
  };
}

/** The C library on Deno, whose `node:fs` refuses descriptors that it has not opened; undefined elsewhere. */
const libc = (globalThis as { Deno?: Deno }).Deno?.dlopen('libc.so.6', {
  read: { parameters: ['i32', 'buffer', 'usize'], result: 'isize' },
  write: { parameters: ['i32', 'buffer', 'usize'], result: 'isize' },
  close: { parameters: ['i32'], result: 'i32' },
}).symbols;

/** Writes by one system call to any descriptor of this process. Returns how many bytes the system took. */
export function writeTo(fd: number, data: string | Uint8Array): number {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  if (libc === undefined) return writeSync(fd, bytes);
  return done('write', libc.write(fd, bytes, BigInt(bytes.length)));
}

/** Reads by one system call from any descriptor of this process. Returns how many bytes came; 0 at the end of the stream. */
export function readFrom(fd: number, bytes: Uint8Array): number {
  if (libc === undefined) return readSync(fd, bytes);
  return done('read', libc.read(fd, bytes, BigInt(bytes.length)));
}

/** Closes any descriptor of this process, behind the back of the object that owns it. */
export function closeFd(fd: number): void {
  if (libc === undefined) closeSync(fd);
  else done('close', libc.close(fd));
}

function done(call: string, result: bigint | number): number {
  if (result >= 0) return Number(result);
  throw new Error(`${call} failed`);
}
