import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';

/** A directory for the tests of the file that calls this. It is removed after them. */
export function scratchDirectory(): { pathOf(name: string): string; makeFifo(name: string): string } {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'aiopipe-file-'));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });
  const pathOf = (name: string) => join(directory, name);
  return {
    pathOf,
    makeFifo: (name) => {
      expect(spawnSync('mkfifo', [pathOf(name)]).status).toBe(0);
      return pathOf(name);
    },
  };
}
