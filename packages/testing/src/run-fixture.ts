import { spawn } from 'node:child_process';
import { fixture } from './fixtures.js';
import { PROGRAM_LIMIT } from './limits.js';

export interface FixtureOptions {
  readonly args?: readonly string[];
  /** Options of Node itself, before the program. */
  readonly execArgv?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** The descriptors that the child gets as its fds 3 and up. */
  readonly fds?: readonly number[];
  /** Milliseconds until it is killed, which shows as `signal: 'SIGKILL'`. */
  readonly timeout?: number;
  /** Called with the child's pid once it runs. */
  readonly onStart?: (pid: number) => void;
}

/** How a fixture ended and what it printed. */
export interface FixtureResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a fixture as a program of its own, to its end. Never rejects for what the program does. */
export async function runFixture(name: string, options: FixtureOptions = {}): Promise<FixtureResult> {
  const { args = [], execArgv = [], env = process.env, fds = [], timeout = PROGRAM_LIMIT, onStart } = options;
  const child = spawn(process.execPath, [...execArgv, fixture(name), ...args], {
    stdio: ['ignore', 'pipe', 'pipe', ...fds],
    env,
    timeout,
    killSignal: 'SIGKILL',
  });
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (chunk: string) => (text[stream] += chunk));
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('spawn', () => onStart?.(child.pid as number));
    child.on('close', (code, signal) => {
      resolve({ code, signal, ...text });
    });
  });
}
