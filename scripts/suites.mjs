// The suites, the choice among them, and how one is run: the npm scripts that run suites share this.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { clearTimeout, setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** In the order in which `npm test` runs them. */
export const suites = [
  'packages/core',
  'packages/codec',
  'packages/process',
  'packages/subprocess',
  'packages/opentelemetry',
  'packages/inspector',
  'packages/nats',
  'apps/demo',
  'docs',
  'examples',
  'packaging',
];

/** Milliseconds that a suite has to end after SIGTERM. */
const GRACE = 5000;

/** Each suite that the words choose, with its chosen files. No files mean all of them; no words mean all suites. */
export function choose(words, fail) {
  if (words.length === 0) return new Map(suites.map((suite) => [suite, []]));
  const files = new Map();
  for (const word of words) {
    const suite = suites.find((path) => path === word || path.endsWith(`/${word}`));
    if (suite !== undefined) {
      files.set(suite, []);
      continue;
    }
    const base = process.env.INIT_CWD ?? process.cwd();
    const file = [resolve(base, word), resolve(root, word)].find((path) => existsSync(path));
    const owner = suites.find((path) => file?.startsWith(join(root, path, '/')));
    if (owner === undefined) fail(`error: ${word} is no test file and no suite; there are ${suites.join(', ')}`);
    const others = files.get(owner);
    // The whole suite may be asked for, too.
    if (others?.length !== 0) files.set(owner, [...(others ?? []), relative(join(root, owner), file)]);
  }
  return files;
}

/** Runs suites one after the other. SIGINT, SIGTERM and SIGHUP end the one that runs, and those after it are not begun. */
export class SuiteRunner {
  isStopped = false;
  #running;
  #directory = mkdtempSync(join(tmpdir(), 'aiopipe-suites-'));

  constructor() {
    process.on('exit', () => {
      if (this.#running !== undefined) kill(this.#running, 'SIGKILL');
      rmSync(this.#directory, { recursive: true, force: true });
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => this.#stop());
  }

  /**
   * Runs one suite of a workspace, at most for `minutes`. `words` begin the command: a Node or another runtime, with its options;
   * `options` are Vitest's. Resolves with its exit status, the end of its output, and the results of its files, as Vitest's JSON
   * reporter gives them; undefined if it was stopped.
   */
  async run(suite, files, { words = [process.execPath], workspace = root, env = {}, options = [], minutes = 60 } = {}) {
    const report = join(this.#directory, 'report.json');
    rmSync(report, { force: true });
    const vitest = join(workspace, 'node_modules/vitest/vitest.mjs');
    const reported = ['run', '--passWithNoTests', '--reporter=json', `--outputFile=${report}`];
    const [program, ...more] = [...words, vitest, ...reported, ...options, ...files];
    // In a process group of its own: it gets the signals that we send it, and its workers with it.
    const child = spawn(program, more, {
      cwd: join(workspace, suite),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      // What a package of a package needs is found here, as `pnpm exec` has it.
      env: { NODE_PATH: join(workspace, 'node_modules/.pnpm/node_modules'), ...process.env, ...env },
    });
    this.#running = child;
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output = `${output}${String(chunk)}`.slice(-4000);
      });
    }
    const limit = setTimeout(() => {
      output += `\nit was ended after ${String(minutes)} minutes`;
      kill(child, 'SIGKILL');
    }, minutes * 60_000);
    const status = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(signal ?? code));
    });
    clearTimeout(limit);
    this.#running = undefined;
    // A worker may outlive the process that started it.
    kill(child, 'SIGKILL');
    if (this.isStopped) return undefined;
    const results = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).testResults : [];
    const named = results.map((file) => ({
      ...file,
      name: isAbsolute(file.name) ? relative(workspace, file.name) : file.name,
    }));
    return { status, output, files: named };
  }

  #stop() {
    if (this.isStopped) return;
    this.isStopped = true;
    const child = this.#running;
    if (child === undefined) return;
    kill(child, 'SIGTERM');
    setTimeout(() => kill(child, 'SIGKILL'), GRACE).unref();
  }
}

/** How many tests passed, failed and were skipped in these files. */
export function countsOf(files) {
  const tests = files.flatMap((file) => file.assertionResults);
  const count = (...states) => tests.filter(({ status }) => states.includes(status)).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped', 'pending', 'todo') };
}

/** Sends a signal to its whole process group. */
function kill(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The whole group has ended.
  }
}
