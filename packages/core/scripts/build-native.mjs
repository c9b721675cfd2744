// Compiles native/ with node-gyp against the running Node's own headers, where they are installed beside it.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bindingFor, nativeDir } from './binding.mjs';
import { headersPrefix } from './headers.mjs';

const require = createRequire(import.meta.url);

const tools =
  'install a C compiler, make and Python 3: `apt-get install gcc libc6-dev make python3` on Debian and Ubuntu, `apk add build-base python3` on Alpine, `dnf install gcc make python3` on Fedora, `xcode-select --install` on macOS.';

function need(what, remedy = `To build it, ${tools}`) {
  process.stderr.write(`@aiopipe/core: its native binding cannot be built, because ${what}.\n${remedy}\n`);
  process.exit(1);
}

const works = (command, ...words) => spawnSync(command, words, { stdio: 'ignore' }).status === 0;

/** The workspace's own; in an installed package the one that the package manager brings along and names. */
function nodeGyp() {
  try {
    return [process.execPath, require.resolve('node-gyp/bin/node-gyp.js')];
  } catch {
    const given = process.env.npm_config_node_gyp;
    if (given) return [process.execPath, given];
  }
  if (!works('node-gyp', '--version')) need('node-gyp is not there', 'Install it: `npm install --global node-gyp`.');
  return ['node-gyp'];
}

/** Compiles what binding.gyp names, on Linux. */
function compileDirectly(prefix) {
  const { name, sources, defines, cflags } = bindingFor('linux');
  const directory = join(nativeDir, 'build', 'Release');
  mkdirSync(directory, { recursive: true });
  const includes = ['include/node', 'include'].map((path) => `-I${join(prefix, path)}`);
  const macros = defines.map((define) => `-D${define}`);
  const [file, ...options] = (process.env.CC || 'cc').split(' ');
  const words = [...options, '-shared', '-fPIC', '-pthread', ...cflags, ...macros, ...includes, ...sources];
  const { status } = spawnSync(file, [...words, '-o', join(directory, `${name}.node`)], {
    cwd: nativeDir,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) need('the compiler failed (its output is above)');
}

if (process.platform === 'win32') {
  process.stderr.write(
    '@aiopipe/core: no native binding on Windows; the package can be imported, its first call throws.\n',
  );
  process.exit(0);
}

const compiler = process.env.CC || 'cc';
if (!works(compiler.split(' ')[0], '--version')) need(`no C compiler answers to "${compiler}"`);
const prefix = headersPrefix();
if (!works(process.env.MAKE || 'make', '--version')) {
  // node-gyp can do nothing without make; but these few files of C need no more than the compiler.
  if (prefix === undefined || process.platform !== 'linux') need('make is not there');
  compileDirectly(prefix);
  process.exit(0);
}
const pythons = [process.env.npm_config_python, process.env.NODE_GYP_FORCE_PYTHON, process.env.PYTHON];
if (![...pythons, 'python3', 'python'].some((python) => python && works(python, '--version'))) {
  need('Python 3 is not there');
}

const hasHeaders = prefix !== undefined || Boolean(process.env.npm_config_nodedir);
const [command, ...words] = nodeGyp();

// The sources are C, but node-gyp links with the C++ compiler unless told otherwise, and there may be none.
const result = spawnSync(
  command,
  [...words, 'rebuild', '--loglevel=error', ...(prefix === undefined ? [] : [`--nodedir=${prefix}`])],
  {
    cwd: nativeDir,
    encoding: 'utf8',
    env: { ...process.env, CC: compiler, CXX: process.env.CXX || compiler, LINK: process.env.LINK || compiler },
  },
);
if (result.status !== 0) {
  const lines = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`.split('\n');
  // What the compiler says, and the cause that node-gyp names; not where in its own code it noticed, nor its settings.
  const telling = lines
    .filter((line) => line !== '' && !/^make: (Entering|Leaving)|^gyp ERR! (?!stack )|^gyp ERR! stack\s+at /.test(line))
    .map((line) => line.replace(/^gyp ERR! stack (Error: )?/, 'node-gyp: '));
  process.stderr.write(`${telling.join('\n')}\n`);
  need(
    'the compiler or node-gyp failed (its output is above)',
    hasHeaders
      ? `If a tool or a header is missing there: ${tools}`
      : `Node's headers are not beside ${process.execPath}, and node-gyp could not fetch them: install Node with its headers (\`apt-get install libnode-dev\` on Debian, \`apk add nodejs-dev\` on Alpine, or a build from nodejs.org, which has them), or name their place in npm_config_nodedir.`,
  );
}
