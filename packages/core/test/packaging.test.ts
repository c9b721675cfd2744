import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkPrebuilt } from '../scripts/check-prebuilt.mjs';
import { targets } from '../scripts/prebuilt-targets.mjs';

const packageDir = process.cwd();
const require = createRequire(import.meta.url);

/** What node-gyp-build has beside its search. */
const finder = require('node-gyp-build') as {
  parseTuple(folder: string): object;
  matchTuple(platform: string, arch: string): (tuple: object) => boolean;
  parseTags(file: string): object;
};
const packed = (
  JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as [{ files: { path: string }[] }]
)[0].files.map(({ path }) => path);

let scratch: string;
let installed: string;

beforeEach(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'aiopipe-packaging-')));
  installed = join(scratch, 'node_modules/@aiopipe/core');
});
afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

interface Result {
  readonly code: number;
  readonly output: string;
}

function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Result> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd: scratch, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), output: `${stdout}${stderr}` });
    });
  });
}

/** As a package manager lays it out, before it runs any script; without the binaries that may lie here from packing. */
function unpack(): void {
  for (const path of packed.filter((path) => !path.endsWith('.node'))) {
    cpSync(join(packageDir, path), join(installed, path));
  }
  cpSync(dirname(require.resolve('node-gyp-build/package.json')), join(scratch, 'node_modules/node-gyp-build'), {
    recursive: true,
    dereference: true,
  });
}

const install = (env: NodeJS.ProcessEnv = {}) =>
  run(process.execPath, [join(installed, 'scripts/install.mjs')], {
    ...process.env,
    npm_config_node_gyp: require.resolve('node-gyp/bin/node-gyp.js'),
    ...env,
  });

const useIt = () =>
  run(process.execPath, [
    '--input-type=module',
    '--eval',
    `const { aiopipe } = await import('@aiopipe/core');
     try { for (const end of aiopipe()) end.close(); console.log('works'); }
     catch (error) { console.log(error.code, error.message); }`,
  ]);

/** A PATH with nothing but Node and the named programs. */
function onlyPrograms(...names: string[]): NodeJS.ProcessEnv {
  const bin = join(scratch, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  for (const name of names) {
    symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), join(bin, name));
  }
  const env: NodeJS.ProcessEnv = { PATH: bin };
  for (const name of ['CC', 'MAKE', 'PYTHON', 'NODE_GYP_FORCE_PYTHON', 'npm_config_python']) env[name] = '';
  return env;
}

test('the package has what loads the binding, what builds it, and nothing that was built in passing', () => {
  expect(packed).toEqual(
    expect.arrayContaining([
      'dist/index.js',
      'dist/index.d.ts',
      'native/binding.gyp',
      'native/binding.c',
      'native/system.h',
      'scripts/install.mjs',
      'scripts/binding.mjs',
      'scripts/build-native.mjs',
      'scripts/headers.mjs',
    ]),
  );
  expect(packed.filter((path) => /(^|\/)build\/|^test\/|^scripts\/(check|exports|prebuil|zig)/.test(path))).toEqual([]);
});

test.each(Object.entries(targets))('the prebuilt binary for %s is found by its name', (name, { file }) => {
  const [platform = '', arch = '', libc = 'glibc'] = name.split('-');
  const [folder = '', binary = ''] = file.split('/');
  const isFound = (...here: [string, string]) => finder.matchTuple(...here)(finder.parseTuple(folder));
  expect(isFound(platform, arch)).toBe(true);
  expect(isFound(platform, arch === 'x64' ? 'arm64' : 'x64')).toBe(false);
  expect(finder.parseTags(binary)).toMatchObject(platform === 'linux' ? { file: binary, libc } : { file: binary });
});

const built = join(packageDir, 'native/build/Release/aiopipe.node');
const hasTools = spawnSync('llvm-readobj', ['--version']).status === 0;

test.skipIf(!hasTools || process.platform !== 'linux')('a prebuilt binary of another kind is refused', () => {
  expect(() => checkPrebuilt(built, 'riscv64-linux-gnu')).toThrow(/a file of another kind: elf64-/);
  expect(() => checkPrebuilt(built, `${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-musl`)).toThrow(
    /the libraries that it needs: .*libc\.so\.6/,
  );
});

describe('an installed package', () => {
  test('is compiled if no prebuilt binary fits, and then works', async () => {
    unpack();
    expect(await install()).toEqual({ code: 0, output: '' });
    expect(await useIt()).toEqual({ code: 0, output: 'works\n' });
  });

  test('is used as it is if one fits, without a compiler', async () => {
    unpack();
    cpSync(
      join(packageDir, 'native/build/Release/aiopipe.node'),
      join(installed, `native/prebuilds/${process.platform}-${process.arch}/aiopipe.node`),
    );
    expect(await install(onlyPrograms())).toEqual({ code: 0, output: '' });
    expect(existsSync(join(installed, 'native/build'))).toBe(false);
    expect(await useIt()).toEqual({ code: 0, output: 'works\n' });
  });

  test('can be imported without a binding, and the first call says how to get one', async () => {
    unpack();
    const { code, output } = await useIt();
    expect(code).toBe(0);
    expect(output).toMatch(/^ERR_AIOPIPE_NO_BINDING the native binding .*`npm rebuild @aiopipe\/core`.*a C compiler/);
  });
});

test('a program that has the package bundled gets an error that says to leave it out', async () => {
  // What a bundler makes of it: the text, elsewhere.
  mkdirSync(join(scratch, 'dist'));
  cpSync(join(packageDir, 'dist/internal.js'), join(scratch, 'dist/bundle.mjs'));
  const { code, output } = await run(process.execPath, [
    '--input-type=module',
    '--eval',
    `const { aiopipe } = await import('./dist/bundle.mjs');
     try { aiopipe(); } catch (error) { console.log(error.code, error.message); }`,
  ]);
  expect({ code, output }).toEqual({
    code: 0,
    output:
      `ERR_AIOPIPE_NO_BINDING there is no native binding of @aiopipe/core in ${join(scratch, 'native')}: if this program ` +
      'was bundled, leave the packages out of the bundle (esbuild: `--external:@aiopipe/*`), and install them where it runs\n',
  });
});

test('in the repository an installation compiles nothing: the build does', async () => {
  const result = await run(process.execPath, [join(packageDir, 'scripts/install.mjs')], onlyPrograms());
  expect(result).toEqual({ code: 0, output: '' });
});

test.each([
  ['no C compiler answers to "cc"', []],
  ['Python 3 is not there', ['cc', 'make']],
])('a build that fails because %s says what to install', async (reason, there) => {
  unpack();
  const { code, output } = await install(onlyPrograms(...there));
  expect(code).toBe(1);
  expect(output.split('\n')).toEqual([
    `@aiopipe/core: its native binding cannot be built, because ${reason}.`,
    expect.stringMatching(/^To build it, install a C compiler, make and Python 3: `apt-get install/),
    '',
  ]);
});

test('a build without make and Python needs no more than the compiler', async () => {
  unpack();
  expect(await install(onlyPrograms('cc', 'as', 'ld'))).toEqual({ code: 0, output: '' });
  expect(await useIt()).toEqual({ code: 0, output: 'works\n' });
});

test('a build that fails in the compiler shows what it said, and no stack trace', async () => {
  unpack();
  rmSync(join(installed, 'native/system.h'));
  const { code, output } = await install();
  expect(code).toBe(1);
  expect(output).toContain('system.h: No such file or directory');
  expect(output).toContain('its native binding cannot be built, because the compiler or node-gyp failed');
  expect(output).not.toMatch(/^\s*at |ERR! stack/m);
});
