// Runs the suites on Linux with the code that macOS runs: `npm run test:portable`, or `npm run test:portable -- core` for parts.
// Only native/mac.c is replaced: by linux.c beside this file.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { bindingFor } from '../../packages/core/scripts/binding.mjs';
import { missing } from '../children.mjs';
import { copyOfNode, copyWithBinding, preprocessing, root, runSuite, SUITES } from '../suite-run.mjs';
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
const onLinux = ['exit_waiter.c', 'ready_linux.c', join(root, 'scripts/portable/linux.c')];
const copy = await copyWithBinding(directory, [...sources, ...onLinux], ['-O2', '-Werror', '-iquote.']);
const node = copyOfNode(directory);

const rows = [];
for (const suite of words.length > 0 ? words : SUITES) {
  console.log(`${suite} …`);
  const { passed, failed } = await runSuite(copy, directory, suite, { node, leftOut: Object.keys(DIFFERS) });
  for (const line of failed) console.log(line);
  rows.push({ suite, passed, failed: failed.length });
  if (failed.length > 0) process.exitCode = 1;
}

console.table(rows);
console.log('What differs, and is left out:');
for (const [name, why] of Object.entries(DIFFERS)) console.log(`  … ${name}: ${why}`);
