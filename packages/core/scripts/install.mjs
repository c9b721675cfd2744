// Runs where the package is installed: a prebuilt binary that loads is used as it is; else the binding is compiled.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageDir = dirname(dirname(fileURLToPath(import.meta.url)));

// Package managers run this in the repository too, where the build makes the binding, and knows when it must.
const isCheckout = existsSync(join(packageDir, 'tsup.config.ts'));
// Importing works there, calls don't: an installation must not fail for it.
const isUnsupported = process.platform === 'win32';

/** In a process of its own: a binary for another libc may end the one that loads it. */
function loads() {
  const finder = createRequire(import.meta.url).resolve('node-gyp-build');
  const program = 'require(process.argv[1])(process.argv[2])';
  return (
    spawnSync(process.execPath, ['-e', program, finder, join(packageDir, 'native')], { stdio: 'ignore' }).status === 0
  );
}

if (!isCheckout && !isUnsupported && (process.env.npm_config_build_from_source === 'true' || !loads())) {
  await import('./build-native.mjs');
}
