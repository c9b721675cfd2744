// The root's npm scripts call this: it installs missing packages, builds changed ones, and then does the task.
// It needs Node and npm alone; pnpm comes through npx at the version that package.json names.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { missingTools } from './optional-tools.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [task, ...args] = process.argv.slice(2);

/** stdout belongs to the task alone (`demo --json` is parsed by others), so all of the preparation goes to stderr. */
function pnpm(words, { quiet = false, remedy } = {}) {
  const result = spawnSync('npx', ['--yes', '--prefer-offline', '--', packageManager, ...words], {
    cwd: root,
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 2, 2],
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', npm_config_loglevel: 'error' },
    maxBuffer: 1 << 28,
  });
  if (result.error) fail(`npx could not be started (${result.error.message}); it comes with npm`);
  if (result.status !== 0) {
    if (quiet) process.stderr.write(Buffer.concat([result.stdout, result.stderr]));
    if (remedy !== undefined) process.stderr.write(`${remedy}\n`);
    process.exit(result.status ?? 1);
  }
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const say = (what) => process.stderr.write(`${what} …\n`);

function install() {
  say('installing what is missing');
  pnpm(['install', '--frozen-lockfile', '--prefer-offline'], { quiet: true });
}

const turbo = (words, options) => pnpm(['exec', 'turbo', 'run', ...words], options);

/** In this process, so that a signal or a closed pipe reaches the program itself and nothing in between. */
async function runProgram(path, cwd) {
  process.argv.splice(1, process.argv.length - 1, path, ...args);
  process.chdir(cwd);
  await import(pathToFileURL(path).href);
}

/** The addresses in the packages' manifests. */
function manifests(...words) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/manifests.mjs'), ...words], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) process.exit(status ?? 1);
}

function torture(...words) {
  const { status } = spawnSync(process.execPath, [join(root, 'torture/dist/main.js'), ...words], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const sources = ['core', 'codec', 'process', 'subprocess', 'opentelemetry', 'inspector', 'nats'].map(
  (name) => `packages/${name}/src`,
);

const tasks = {
  build() {
    install();
    turbo(['build', ...args]);
  },
  test() {
    install();
    pnpm(['exec', 'oxfmt', '--check', '.'], { quiet: true, remedy: 'npm run format formats them' });
    pnpm(['exec', 'oxlint', '--config', 'oxlint.config.mjs'], { quiet: true });
    manifests('--check');
    pnpm(['exec', 'depcruise', '--config', '.dependency-cruiser.mjs', '--output-type', 'err-long', ...sources], {
      quiet: true,
    });
    // The public entries: no signature names a type that is not public, and every link leads somewhere.
    pnpm(['exec', 'typedoc'], { quiet: true });
    turbo(['build', 'typecheck', '--output-logs=new-only']);
    // Two packages at a time: much of a suite's time is spent waiting for processes.
    turbo(['test', '--output-logs=new-only', '--concurrency=2', ...args]);
    // Words are for turbo: they choose suites.
    // One seed makes the same decisions in each run. `npm run torture` alone takes a random seed.
    if (args.length === 0) torture('--minutes', '1', '--seed', '1', '--jobs', '4');
    for (const { name, tests, debian } of missingTools()) {
      process.stderr.write(`skipped, because there is no ${name}: ${tests} (Debian: apt-get install ${debian})\n`);
    }
    if (!existsSync(join(root, 'docs/dist')))
      process.stderr.write('skipped, because the site is not built: the tests of the site (npm run docs builds it)\n');
  },
  async 'test:loop'() {
    install();
    say('building what changed');
    turbo(['build', '--output-logs=errors-only'], { quiet: true });
    await runProgram(join(root, 'scripts/test-loop.mjs'), process.env.INIT_CWD ?? process.cwd());
  },
  async 'test:nodes'() {
    install();
    say('building what changed');
    turbo(['build', '--output-logs=errors-only'], { quiet: true });
    await runProgram(join(root, 'scripts/test-nodes.mjs'), root);
  },
  'test:packages'() {
    install();
    turbo(['test', '--filter=@aiopipe/packaging', '--output-logs=new-only']);
  },
  async release() {
    install();
    say('building what changed');
    turbo(['build', '--output-logs=errors-only'], { quiet: true });
    await runProgram(join(root, 'scripts/release.mjs'), root);
  },
  async 'test:portable'() {
    install();
    say('building what changed');
    turbo(['build', '--filter=./packages/*', '--output-logs=errors-only'], { quiet: true });
    await runProgram(join(root, 'scripts/portable/main.mjs'), root);
  },
  async 'test:runtimes'() {
    install();
    say('building what changed');
    turbo(['build', '--filter=./packages/*', '--output-logs=errors-only'], { quiet: true });
    await runProgram(join(root, 'scripts/test-runtimes.mjs'), root);
  },
  docs() {
    install();
    turbo(['site', '--output-logs=errors-only']);
    say(`the site is in ${join(root, 'docs/dist')}; npm run docs:serve shows it`);
  },
  async 'docs:serve'() {
    tasks.docs();
    await runProgram(join(root, 'docs/node_modules/vitepress/bin/vitepress.js'), join(root, 'docs'));
  },
  format() {
    install();
    manifests();
    pnpm(['exec', 'oxfmt', '.']);
  },
  async demo() {
    install();
    say('building what changed');
    turbo(['build', '--filter=@aiopipe/demo', '--output-logs=errors-only'], { quiet: true });
    await runProgram(join(root, 'apps/demo/dist/main.js'), process.env.INIT_CWD ?? process.cwd());
  },
  async bench() {
    install();
    say('building what changed');
    turbo(['build', '--filter=@aiopipe/bench', '--output-logs=errors-only'], { quiet: true });
    await runProgram(join(root, 'bench/dist/main.js'), root);
  },
  async scale() {
    install();
    say('building what changed');
    turbo(['build', '--filter=@aiopipe/bench', '--output-logs=errors-only'], { quiet: true });
    await runProgram(join(root, 'bench/dist/scale/main.js'), root);
  },
  async sanitize() {
    install();
    say('building what changed');
    turbo(['build', '--filter=./packages/*', '--output-logs=errors-only'], { quiet: true });
    await runProgram(join(root, 'scripts/sanitize/main.mjs'), root);
  },
  async torture() {
    install();
    say('building what changed');
    turbo(['build', '--filter=@aiopipe/torture', '--output-logs=errors-only'], { quiet: true });
    await runProgram(join(root, 'torture/dist/main.js'), root);
  },
};

if (!Object.hasOwn(tasks, task)) fail(`unknown task ${task}; there are ${Object.keys(tasks).join(', ')}`);
await tasks[task]();
