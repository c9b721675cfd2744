// What `changeset version` raises, tried in a copy of the packages' manifests.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const changeset = join(dirname(createRequire(import.meta.url).resolve('@changesets/cli/package.json')), 'bin.js');

type Versions = Record<string, string>;

/** The versions of the published packages after a patch of one of them, if all had the same version before. */
function versionsAfterPatchOf(name: string, before: string): Versions {
  const copy = realpathSync(mkdtempSync(join(tmpdir(), 'aiopipe-versions-')));
  try {
    for (const file of ['package.json', 'pnpm-workspace.yaml']) cpSync(join(root, file), join(copy, file));
    mkdirSync(join(copy, '.changeset'));
    cpSync(join(root, '.changeset/config.json'), join(copy, '.changeset/config.json'));
    const change = `---\n'@aiopipe/${name}': patch\n---\n\nA fault less.\n`;
    writeFileSync(join(copy, '.changeset/a-fault-less.md'), change);
    for (const folder of readdirSync(join(root, 'packages'))) {
      const path = join(copy, 'packages', folder);
      mkdirSync(path, { recursive: true });
      const manifest = readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8');
      writeFileSync(join(path, 'package.json'), manifest.replace(/"version": "[^"]*"/, `"version": "${before}"`));
    }
    execFileSync('git', ['init', '--quiet', '--initial-branch=main'], { cwd: copy });
    execFileSync(process.execPath, [changeset, 'version'], { cwd: copy, stdio: 'ignore' });
    const versions = readdirSync(join(copy, 'packages')).map((folder): [string, string] => {
      const manifest = readFileSync(join(copy, 'packages', folder, 'package.json'), 'utf8');
      return [folder, (JSON.parse(manifest) as { version: string }).version];
    });
    return Object.fromEntries(versions.filter(([folder]) => folder !== 'testing'));
  } finally {
    rmSync(copy, { recursive: true });
  }
}

test.each([
  ['0.0.0', '0.0.1'],
  ['0.3.0', '0.3.1'],
  ['1.2.3', '1.2.4'],
])('a patch of codec %s releases codec, process and nats, which depend on it, and nothing else', (before, after) => {
  const versions = versionsAfterPatchOf('codec', before);
  expect(versions).toEqual({
    core: before,
    codec: after,
    inspector: before,
    nats: after,
    opentelemetry: before,
    process: after,
    subprocess: before,
  });
});

test('a patch of subprocess, on which nothing depends, releases it alone', () => {
  const versions = versionsAfterPatchOf('subprocess', '1.0.0');
  expect(versions).toEqual({
    core: '1.0.0',
    codec: '1.0.0',
    inspector: '1.0.0',
    nats: '1.0.0',
    opentelemetry: '1.0.0',
    process: '1.0.0',
    subprocess: '1.0.1',
  });
});
