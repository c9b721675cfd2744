// Makes native/prebuilds/: the binaries that the published package brings along, for every target below, on any Linux
// with the cross compilers. `prepack` calls it, so that no package leaves without them or with old ones.
//
//   node scripts/prebuild.mjs [linux-arm64-musl …]
//
// Another compiler for a target: CC_<triple>, as in CC_aarch64_linux_musl='zig cc -target aarch64-linux-musl'.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import prebuildify from 'prebuildify';
import { headersPrefix } from './headers.mjs';

const scriptsDir = dirname(fileURLToPath(import.meta.url));
const packageDir = dirname(scriptsDir);
const nativeDir = join(packageDir, 'native');
const require = createRequire(import.meta.url);

/** What Node 20's own binaries ask for: where they run, ours may ask as much. */
const NEWEST_GLIBC = [2, 28];

const targets = {
  'linux-x64-glibc': { triple: 'x86_64-linux-gnu', machine: 'X86-64', debian: 'gcc' },
  'linux-x64-musl': { triple: 'x86_64-linux-musl', machine: 'X86-64', debian: 'musl-tools' },
  'linux-arm64-glibc': { triple: 'aarch64-linux-gnu', machine: 'AArch64', debian: 'gcc-aarch64-linux-gnu' },
  // musl-dev of the other architecture brings the compiler's wrapper, which needs that architecture's gcc beside it.
  'linux-arm64-musl': {
    triple: 'aarch64-linux-musl',
    machine: 'AArch64',
    debian: 'gcc-aarch64-linux-gnu musl-dev:arm64',
  },
};

class Refusal extends Error {}

function output(command, ...words) {
  const { status, stdout } = spawnSync(command, words, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
  return status === 0 ? stdout : undefined;
}

const compilerOf = ({ triple }) => process.env[`CC_${triple.replaceAll('-', '_')}`] ?? `${triple}-gcc`;

function checkTools(names) {
  if (process.platform !== 'linux') throw new Refusal('the prebuilt binaries are made on Linux only');
  const missing = names.filter((name) => {
    const [command] = compilerOf(targets[name]).split(' ');
    return output(command, '--version') === undefined;
  });
  if (missing.length > 0) {
    const packages = [...new Set(missing.flatMap((name) => targets[name].debian.split(' ')))];
    const foreign = packages.some((name) => name.endsWith(':arm64')) ? 'dpkg --add-architecture arm64 && ' : '';
    throw new Refusal(
      `no compiler for ${missing.map((name) => `${name} (${compilerOf(targets[name])})`).join(', ')}\n` +
        `On Debian: ${foreign}apt-get update && apt-get install ${packages.join(' ')}`,
    );
  }
  if (output('readelf', '--version') === undefined) throw new Refusal('readelf is not there: install binutils');
}

async function build(name) {
  const target = targets[name];
  const [platform, arch, libc] = name.split('-');
  // Not in native/ itself: the ordinary build's output lies there, which a package of another machine would replace.
  const scratch = mkdtempSync(join(tmpdir(), 'aiopipe-prebuild-'));
  const before = { ...process.env };
  try {
    for (const file of readdirSync(nativeDir).filter((file) => /\.(c|h|gyp)$/.test(file))) {
      cpSync(join(nativeDir, file), join(scratch, file));
    }
    const compiler = compilerOf(target);
    const prefix = headersPrefix();
    Object.assign(process.env, {
      CC: compiler,
      CXX: compiler,
      LINK: compiler,
      CFLAGS: libc === 'glibc' ? `-include ${join(scriptsDir, 'old-glibc.h')}` : '',
      // Without symbols and paths of the machine that built it.
      LDFLAGS: '-s',
      npm_config_loglevel: 'error',
      ...(prefix === undefined ? {} : { npm_config_nodedir: prefix }),
    });
    await promisify(prebuildify)({
      cwd: scratch,
      out: nativeDir,
      name: 'aiopipe',
      napi: true,
      targets: [{ runtime: 'node', target: process.versions.node }],
      platform,
      arch,
      libc,
      tagLibc: true,
      nodeGyp: require.resolve('node-gyp/bin/node-gyp.js'),
    });
  } finally {
    for (const key of Object.keys(process.env)) if (!(key in before)) Reflect.deleteProperty(process.env, key);
    Object.assign(process.env, before);
    rmSync(scratch, { recursive: true, force: true });
  }
  return join(nativeDir, 'prebuilds', `${platform}-${arch}`, `aiopipe.${libc}.node`);
}

/** What a cross build can have got wrong without any error: the machine, a second libc inside, too new symbols. */
function check(name, path) {
  const { machine } = targets[name];
  const libc = name.endsWith('musl') ? 'musl' : 'glibc';
  const header = output('readelf', '-hW', path) ?? '';
  const dynamic = output('readelf', '-dW', path) ?? '';
  const symbols = output('readelf', '--dyn-syms', '-W', path) ?? '';

  if (!header.includes(machine)) throw new Refusal(`${path} is not for ${machine}`);
  const libraries = [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, library]) => library);
  const allowed = libc === 'musl' ? /^libc(\.musl-.*)?\.so(\.1)?$/ : /^(libc\.so\.6|libpthread\.so\.0|ld-linux.*)$/;
  const foreign = libraries.filter((library) => !allowed.test(library));
  if (libraries.length === 0 || foreign.length > 0) {
    throw new Refusal(
      `${path} needs ${foreign.join(', ') || 'no libc: it was linked in'}; only ${libc}'s may be needed`,
    );
  }

  const tooNew = symbols
    .split('\n')
    .map((line) => /\s(\S+)@GLIBC_(\d+)\.(\d+)/.exec(line))
    .filter((match) => match !== null)
    .filter(([, , major, minor]) => {
      return Number(major) > NEWEST_GLIBC[0] || (Number(major) === NEWEST_GLIBC[0] && Number(minor) > NEWEST_GLIBC[1]);
    })
    .map(([symbol]) => symbol.trim());
  if (tooNew.length > 0) {
    throw new Refusal(
      `${path} needs symbols that are newer than glibc ${NEWEST_GLIBC.join('.')}: ${tooNew.join(', ')}\n` +
        'Add them to scripts/old-glibc.h.',
    );
  }
  for (const entry of ['napi_register_module_v1', 'node_api_module_get_api_version_v1']) {
    if (!symbols.includes(entry)) throw new Refusal(`${path} does not export ${entry}`);
  }
}

async function main(words) {
  const unknown = words.filter((word) => !Object.hasOwn(targets, word));
  if (unknown.length > 0) {
    throw new Refusal(`unknown target ${unknown.join(', ')}; there are ${Object.keys(targets).join(', ')}`);
  }
  const names = words.length > 0 ? words : Object.keys(targets);
  checkTools(names);
  if (words.length === 0) {
    if (!['index.js', 'index.d.ts'].every((file) => existsSync(join(packageDir, 'dist', file))))
      throw new Refusal('dist/ is not built: `npm run build` first');
    rmSync(join(nativeDir, 'prebuilds'), { recursive: true, force: true });
  }
  for (const name of names) {
    const path = await build(name);
    check(name, path);
    process.stderr.write(`${name}: native/prebuilds/${basename(dirname(path))}/${basename(path)}\n`);
  }
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`@aiopipe/core: ${error.message}\n`);
  process.exitCode = 1;
});
