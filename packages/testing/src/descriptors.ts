import { closeSync, openSync, readSync, writeSync } from 'node:fs';

// Deno's `node:fs` refuses descriptors that it has not opened, and keeps the numbers of those that it has opened: once other code has
// closed one, it closes whatever has that number later. So the C library is called there.

/** The part of Deno that calls C functions. */
interface Deno {
  dlopen(
    library: string,
    functions: Record<string, { parameters: readonly string[]; result: string }>,
  ): { symbols: Record<string, (...args: readonly (number | bigint | Uint8Array)[]) => number | bigint> };
}

const libc = (globalThis as { Deno?: Deno }).Deno?.dlopen('libc.so.6', {
  open: { parameters: ['buffer', 'i32', 'i32'], result: 'i32' },
  read: { parameters: ['i32', 'buffer', 'usize'], result: 'isize' },
  write: { parameters: ['i32', 'buffer', 'usize'], result: 'isize' },
  close: { parameters: ['i32'], result: 'i32' },
}).symbols;

/** Opens a file for an object that will own the descriptor. `flags` are those of `fs.constants`. */
export function openFd(path: string, flags: number): number {
  if (libc === undefined) return openSync(path, flags);
  return call('open', Buffer.from(`${path}\0`), flags | CLOSE_ON_EXEC, 0o666);
}

/** Writes by one system call to any descriptor of this process. Returns how many bytes the system took. */
export function writeTo(fd: number, data: string | Uint8Array): number {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  return libc === undefined ? writeSync(fd, bytes) : call('write', fd, bytes, BigInt(bytes.length));
}

/** Reads by one system call from any descriptor of this process. Returns how many bytes came; 0 at the end of the stream. */
export function readFrom(fd: number, bytes: Uint8Array): number {
  return libc === undefined ? readSync(fd, bytes) : call('read', fd, bytes, BigInt(bytes.length));
}

/** Closes any descriptor of this process, behind the back of an object that owns it. */
export function closeFd(fd: number): void {
  if (libc === undefined) closeSync(fd);
  else call('close', fd);
}

/** O_CLOEXEC of Linux: `fs.constants` does not have it. */
const CLOSE_ON_EXEC = 0o2000000;

function call(name: string, ...args: readonly (number | bigint | Uint8Array)[]): number {
  const result = libc?.[name]?.(...args) ?? -1;
  if (result < 0) throw new Error(`${name} failed`);
  return Number(result);
}
