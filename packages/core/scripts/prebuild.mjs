// Makes native/prebuilds/: the binaries that the published package brings along, for every target below. `prepack` calls it, so that no
// package leaves without them or with old ones.
//
//   node scripts/prebuild.mjs [linux-arm64-musl …]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bindingFor, nativeDir } from './binding.mjs';
import { checkPrebuilt } from './check-prebuilt.mjs';
import { headersPrefix } from './headers.mjs';
import { targets } from './prebuilt-targets.mjs';
import { findZig } from './zig.mjs';

const packageDir = dirname(dirname(fileURLToPath(import.meta.url)));

function build(zig, { triple, file }) {
  const isMac = triple.includes('macos');
  const { name, sources, defines, cflags } = bindingFor(isMac ? 'mac' : 'linux');
  const prefix = headersPrefix();
  const headers = join(prefix ?? '', 'include/node');
  // Not Node's parent folder: the headers of this system lie there.
  if (!existsSync(join(headers, 'uv.h'))) throw new Error(`Node's headers are not beside ${process.execPath}`);
  const path = join(nativeDir, 'prebuilds', file);
  mkdirSync(dirname(path), { recursive: true });
  const words = [
    'build-lib',
    ...['-target', triple, '-dynamic', '-lc', '-O', 'ReleaseFast', '--name', name],
    // Node has what is missing then; the check afterwards finds anything else. Without symbols and paths of this machine.
    ...['-fallow-shlib-undefined', '-fno-compiler-rt', '-fstrip'],
    // zig's glibc has functions that a library would export as its own.
    ...(isMac ? [] : ['--version-script', join(packageDir, 'scripts/exports.map')]),
    `-I${headers}`,
    '-cflags',
    ...[...cflags, '-Werror'],
    // A macro of musl's own headers compares a signed number.
    ...(triple.includes('musl') ? ['-Wno-sign-compare'] : []),
    ...defines.map((define) => `-D${define}`),
    ...['--', ...sources, `-femit-bin=${relative(nativeDir, path)}`],
  ];
  const { status, error } = spawnSync(zig, words, { cwd: nativeDir, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`zig failed${error ? `: ${error.message}` : ' (its output is above)'}`);
  return path;
}

function main(words) {
  const unknown = words.filter((word) => !Object.hasOwn(targets, word));
  if (unknown.length > 0) {
    throw new Error(`unknown target ${unknown.join(', ')}; there are ${Object.keys(targets).join(', ')}`);
  }
  const zig = findZig();
  if (words.length === 0) {
    if (!['index.js', 'index.d.ts'].every((file) => existsSync(join(packageDir, 'dist', file))))
      throw new Error('dist/ is not built: `npm run build` first');
    rmSync(join(nativeDir, 'prebuilds'), { recursive: true, force: true });
  }
  for (const name of words.length > 0 ? words : Object.keys(targets)) {
    const path = build(zig, targets[name]);
    checkPrebuilt(path, targets[name].triple);
    process.stderr.write(`${name}: ${relative(packageDir, path)}\n`);
  }
}

try {
  main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`@aiopipe/core: ${error.message}\n`);
  process.exitCode = 1;
}
