// Runs the suites on Linux with the code that macOS runs: `npm run test:portable`, or `npm run test:portable -- core` for parts.
// Only native/mac.c and ready_mac.c are replaced: by linux.c beside this file, and by Linux' own.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { bindingFor } from '../../packages/core/scripts/binding.mjs';
import { missing } from '../children.mjs';
import { describe } from '../failed-tests.mjs';
import { root, SuiteRunner } from '../suites.mjs';
import { copyOfNode, copyWithBinding, preprocessing, runInCopy, SUITES } from '../workspace-copy.mjs';
import { DIFFERS } from './differs.mjs';

const words = process.argv.slice(2);
const unknown = words.find((word) => !SUITES.includes(word));
const lack =
  process.platform === 'linux'
    ? (missing('gcc') ?? (preprocessing() === undefined ? "Node's headers" : undefined))
    : 'Linux';
if (unknown !== undefined || lack !== undefined) {
  console.error(lack === undefined ? `no suite ${unknown}; there are ${SUITES.join(', ')}` : `this needs ${lack}`);
  process.exit(1);
}

const directory = mkdtempSync(join(tmpdir(), 'aiopipe-portable-'));
// Some tests start programs as another user.
chmodSync(directory, 0o755);
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

const sources = bindingFor('mac').sources.filter((name) => !['mac.c', 'ready_mac.c'].includes(name));
const onLinux = ['ready_linux.c', 'exit_waiter.c', join(root, 'scripts/portable/linux.c')];
const copy = await copyWithBinding(directory, [...sources, ...onLinux], ['-O2', '-Werror', '-iquote.']);
const node = copyOfNode(directory);

const runner = new SuiteRunner();
const rows = [];
for (const suite of words.length > 0 ? words : SUITES) {
  console.log(`${suite} …`);
  const { passed, failed } = await runInCopy(runner, copy, suite, { node, leftOut: Object.keys(DIFFERS) });
  for (const failure of failed) console.log(describe(failure));
  rows.push({ suite, passed, failed: failed.length });
  if (failed.length > 0) process.exitCode = 1;
}

console.table(rows);
console.log('What differs, and is left out:');
for (const [name, why] of Object.entries(DIFFERS)) console.log(`  … ${name}: ${why}`);
