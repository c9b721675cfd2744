// Looks for faults of memory and threads in the binding: `npm run sanitize`, or `npm run sanitize -- threads valgrind` for parts.
// A part whose tools are not installed is skipped, with a note. On Debian: apt-get install gcc patchelf valgrind clang-tidy
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { address, lackOfAddress, LEFT_OUT, SUITES } from './address.mjs';
import { clangTidy, gccAnalyzer } from './analyzers.mjs';
import { threads } from './threads.mjs';
import { valgrind } from './valgrind.mjs';

const directory = mkdtempSync(join(tmpdir(), 'aiopipe-sanitize-'));
// Some tests start programs as another user.
chmodSync(directory, 0o755);
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

let runSuite;
async function suite(name) {
  const lack = lackOfAddress();
  if (lack !== undefined) return { lack };
  runSuite ??= await address(directory);
  return runSuite(name);
}

const parts = {
  'gcc -fanalyzer': gccAnalyzer,
  'clang-tidy': clangTidy,
  threads: () => threads(directory),
  valgrind: () => valgrind(directory),
  ...Object.fromEntries(SUITES.map((name) => [`address: ${name}`, () => suite(name)])),
};

const words = process.argv.slice(2);
const unknown = words.find((word) => !Object.keys(parts).some((name) => name.includes(word)));
if (unknown !== undefined) {
  console.error(`no part ${unknown}; there are ${Object.keys(parts).join(', ')}`);
  process.exit(1);
}

const rows = [];
for (const [name, part] of Object.entries(parts)) {
  if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
  console.log(`${name} …`);
  const { lack, did, found = [], failed = [] } = await part();
  for (const line of [...found, ...failed]) console.log(line);
  rows.push({
    part: name,
    over: lack === undefined ? did : `skipped: no ${lack}`,
    findings: found.length,
    failed: failed.length,
  });
  if (found.length + failed.length > 0) process.exitCode = 1;
}

console.table(rows);
if (rows.some(({ part }) => part.startsWith('address'))) {
  console.log('Tests that are left out under the sanitizers:');
  for (const [name, why] of Object.entries(LEFT_OUT)) console.log(`  … ${name}: ${why}`);
}
