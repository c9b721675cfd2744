import { show } from './show.js';

/** Throws a TypeError unless `fd` can be the number of a descriptor. The binding takes 32 bits: a larger number would name another one. */
export function checkFd(name: string, fd: unknown): asserts fd is number {
  if (Number.isInteger(fd) && (fd as number) >= 0 && (fd as number) <= 0x7fffffff) return;
  throw new TypeError(`${name}: expected a descriptor (a whole number), not ${show(fd)}`);
}
