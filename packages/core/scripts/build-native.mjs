// Compiles native/ with node-gyp against the running Node's own headers, where they are installed beside it.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const nativeDir = join(dirname(dirname(fileURLToPath(import.meta.url))), 'native');
const require = createRequire(import.meta.url);

const works = (command, ...words) => spawnSync(command, words, { stdio: 'ignore' }).status === 0;

function need(what, remedy) {
  process.stderr.write(
    `@aiopipe/core: its native binding can't be built, because ${what}.\n` +
      `${remedy ?? 'Install a C compiler, make and Python 3: `apt-get install gcc make python3` on Debian and Ubuntu, `apk add build-base python3` on Alpine, `xcode-select --install` on macOS.'}\n`,
  );
  process.exit(1);
}

if (process.platform === 'win32') {
  process.stderr.write(
    '@aiopipe/core: no native binding on Windows; the package can be imported, its first call throws.\n',
  );
  process.exit(0);
}

const compiler = process.env.CC ?? 'cc';
if (!works(compiler.split(' ')[0], '--version')) need(`no C compiler answers to "${compiler}"`);
if (!works('make', '--version')) need('make is not there');
if (!works('python3', '--version') && !works('python', '--version')) need('Python 3 is not there');

const prefix = dirname(dirname(process.execPath));
const hasHeaders = existsSync(join(prefix, 'include/node/node_api.h')) && existsSync(join(prefix, 'include/node/uv.h'));

const words = [require.resolve('node-gyp/bin/node-gyp.js'), 'rebuild', '--loglevel=error'];
if (hasHeaders) words.push(`--nodedir=${prefix}`);

// The sources are C, but node-gyp links with the C++ compiler unless told otherwise, and there may be none.
const result = spawnSync(process.execPath, words, {
  cwd: nativeDir,
  encoding: 'utf8',
  env: { ...process.env, CC: compiler, CXX: process.env.CXX ?? compiler, LINK: process.env.LINK ?? compiler },
});
if (result.status !== 0) {
  process.stderr.write(`${result.stdout}${result.stderr}`);
  need(
    'the compiler or node-gyp failed (its output is above)',
    hasHeaders
      ? undefined
      : `Node's headers are not in ${join(prefix, 'include/node')}, and node-gyp could not fetch them: install Node with its headers (\`apt-get install libnode-dev\`, or a build from nodejs.org, which has them).`,
  );
}
