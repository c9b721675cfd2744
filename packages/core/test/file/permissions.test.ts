import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runFixture } from '@aiopipe/testing';

const isNode = process.versions['bun'] === undefined && process.versions['deno'] === undefined;
const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
const workspace = realpathSync(resolve('../..'));

let directory = '';
let fifo = '';
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'aiopipe-permissions-')));
  fifo = join(directory, 'fifo');
  execFileSync('mkfifo', [fifo]);
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const open = async (...allowed: readonly string[]) =>
  (await runFixture('opens-under-permissions', { args: [fifo], execArgv: [flag, ...allowed] })).stdout;

describe.runIf(isNode)('AsyncFile.open() under the permission model', () => {
  test('opens what may be read and written', async () => {
    const all = ['--allow-fs-read=*', '--allow-fs-write=*', '--allow-addons'];
    expect(await open(...all)).toBe('r: opened\nr+: opened\n');
  });

  test('throws ERR_ACCESS_DENIED for what may not be written', async () => {
    expect(await open('--allow-fs-read=*', '--allow-addons')).toBe(
      `r: opened\nr+: ERR_ACCESS_DENIED FileSystemWrite ${fifo}\n`,
    );
  });

  test('throws ERR_ACCESS_DENIED for what may not be read', async () => {
    const output = await open(`--allow-fs-read=${workspace}/*`, `--allow-fs-write=${directory}/*`, '--allow-addons');
    expect(output).toBe(`r: ERR_ACCESS_DENIED FileSystemRead ${fifo}\nr+: ERR_ACCESS_DENIED FileSystemRead ${fifo}\n`);
  });

  test('says that the binding needs --allow-addons', async () => {
    const output = await open('--allow-fs-read=*', '--allow-fs-write=*');
    expect(output).toContain('ERR_AIOPIPE_NO_BINDING');
    expect(output).toMatch(/under the permission model: start Node with --allow-addons and --allow-fs-read=\//);
  });
});
