import { closeSync, openSync } from 'node:fs';

/** Opens descriptors until only `left` more can be opened. Returns those that it has opened: the caller must close them. */
export function takeFds(left = 0): number[] {
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    for (const fd of taken.splice(0, left)) closeSync(fd);
  }
  return taken;
}
