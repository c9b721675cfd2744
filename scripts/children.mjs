// Programs that npm scripts start: each leads a process group, which ends with this process.
import { spawn, spawnSync } from 'node:child_process';
import process from 'node:process';
import { clearTimeout, setTimeout } from 'node:timers';

const groups = new Set();

function endAll() {
  for (const pid of groups) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // it has just ended
    }
  }
}

process.on('exit', endAll);
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const leave = () => process.exit(1);

/** Runs a program to its end, at most for `minutes`. Returns its exit code, or its signal, and all that it has printed. */
export async function run(words, { cwd, env = {}, minutes = 10 } = {}) {
  const child = spawn(words[0], words.slice(1), {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  if (child.pid !== undefined) groups.add(child.pid);
  // Only meanwhile: the runner of the suites acts on these signals in its own way.
  for (const signal of SIGNALS) process.on(signal, leave);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  }
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), minutes * 60_000);
  const end = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
  clearTimeout(timer);
  for (const signal of SIGNALS) process.off(signal, leave);
  try {
    // A failed test may have left programs.
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // there are none
  }
  groups.delete(child.pid);
  return { end, output };
}

/** The first of the programs that is not installed. */
export const missing = (...programs) =>
  programs.find((program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status !== 0);
