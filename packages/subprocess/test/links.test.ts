import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { runFixture } from '@aiopipe/testing';

const NAMES = ['nothing', 'aiopipe', 'aioduplex', 'a-socket-as-a-file', 'a-fifo-as-stdin', 'progress'];

test('what looks at a pipe or a socket leaves import() of packages behind symbolic links as it was', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'links-')));
  const server = createServer().listen(join(folder, 'socket'));
  try {
    await once(server, 'listening');
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    mkdirSync(join(folder, 'node_modules'));
    for (const name of NAMES) {
      mkdirSync(join(folder, 'packages', name), { recursive: true });
      writeFileSync(join(folder, 'packages', name, 'package.json'), JSON.stringify({ name, exports: './index.mjs' }));
      writeFileSync(join(folder, 'packages', name, 'index.mjs'), 'export default import.meta.url;');
      symlinkSync(join(folder, 'packages', name), join(folder, 'node_modules', name));
    }
    writeFileSync(join(folder, 'main.mjs'), 'export const load = (name) => import(name);');
    const main = pathToFileURL(join(folder, 'main.mjs')).href;
    const args = [main, join(folder, 'fifo'), join(folder, 'socket')];
    const { stdout, stderr } = await runFixture('imports-after-a-look', { args });
    expect(stderr).toBe('');
    const real = NAMES.map((name) => `${name} ${pathToFileURL(join(folder, 'packages', name, 'index.mjs')).href}`);
    expect(stdout.trimEnd().split('\n')).toEqual(real);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});
