// Checks the types of the package in the working directory: `node typecheck.mjs [project ...]`, by default its `tsconfig.json`.
// The native compiler takes a fifth of the time of the one before it, so it reads what we wrote. `test/types` shows what users see:
// the compiler that most of them have reads that, too. (The tests of the packages check all declarations with both.)
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

function check(project, compiler, ...options) {
  const tsc = require.resolve(`${compiler}/package.json`).replace(/package\.json$/, 'bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '--noEmit', '-p', project, ...options], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

const projects = process.argv.slice(2);
for (const project of projects.length > 0 ? projects : ['.']) check(project, 'typescript-7');
if (existsSync('test/types')) {
  check('test/types', 'typescript-7');
  check('test/types', 'typescript', '--skipLibCheck');
}
