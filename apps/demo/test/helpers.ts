import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, onTestFinished } from 'vitest';
import { commandOf, until } from '@aiopipe/testing';

export const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** The parts of the output of `--json` that tests check. */
export interface Census {
  readonly files: number;
  readonly lines: number;
  readonly bytes: number;
  readonly matches: number;
  readonly workers: number;
  readonly machines: readonly { readonly name: string; readonly files: number }[];
  readonly kills: number;
  readonly restarts: number;
  readonly extensions: readonly { readonly extension: string; readonly files: number }[];
  readonly duplicates: readonly { readonly paths: readonly string[]; readonly wastedBytes: number }[];
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
  readonly unreadable: readonly string[];
  readonly verified: boolean;
  readonly patternVerified: boolean;
  readonly mismatches: readonly string[];
}

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** An empty directory that is removed after the test file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'aiopipe-demo-'));
  directories.push(directory);
  // What others may look into: some tests run the demo as a user without rights.
  chmodSync(directory, 0o755);
  return directory;
}

/** A directory with files. Names are bytes, one character for each. */
export function makeTree(files: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = temporaryDirectory();
  for (const [name, content] of Object.entries(files)) {
    const path = Buffer.from(`${directory}/${name}`, 'latin1');
    mkdirSync(Buffer.from(dirname(path.toString('latin1')), 'latin1'), { recursive: true });
    writeFileSync(path, content);
  }
  return directory;
}

/** As many small files as that, each with one line that matches. */
export function manyFiles(count: number): string {
  return makeTree(
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [
        `${String(index % 7)}/${String(index)}.txt`,
        `error ${String(index)}\n`,
      ]),
    ),
  );
}

/**
 * An environment where one program is a script that does something first: what is to happen between two steps of the
 * demo happens there exactly then.
 */
export function withProgram(name: string, script: string): NodeJS.ProcessEnv {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, name), `#!/bin/sh\nPATH=\${PATH#*:}\n${script}\n`, { mode: 0o755 });
  return { ...process.env, PATH: `${directory}:${process.env['PATH'] ?? ''}` };
}

/** An environment where each Node runs that first. */
export function preloaded(source: string): NodeJS.ProcessEnv {
  return { ...process.env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(source)}` };
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** The command that starts it. Default: `node` with the program. */
  readonly argv?: readonly string[];
}

export interface Run {
  readonly pid: number;
  /** What it has printed so far. */
  readonly text: { readonly stdout: string; readonly stderr: string };
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

/** The demo as a session of its own, so that all that it starts can be found. */
export function startDemo(args: readonly string[], options: RunOptions = {}): Run {
  const { env = process.env, argv = [process.execPath, main] } = options;
  const [file = '', ...rest] = argv;
  const child = spawn(file, [...rest, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env, detached: true });
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => (text[stream] += chunk));
  }
  const ended = new Promise<Awaited<Run['ended']>>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ code, signal, ...text });
    });
  });
  // A test that fails in the middle leaves it waiting for what will not come.
  onTestFinished(() => void child.kill('SIGKILL'));
  return { pid: child.pid ?? 0, text, ended };
}

/** Runs it to its end, and until nothing of it is left. */
export async function runDemo(args: readonly string[], options?: RunOptions): ReturnType<typeof waitFor> {
  return waitFor(startDemo(args, options));
}

export async function waitFor({ pid, ended }: Run): Promise<Awaited<Run['ended']> & { lastLine: string }> {
  const result = await ended;
  await until('no process of the demo is left', () => processesOf(pid).length === 0);
  return { ...result, lastLine: result.stdout.trimEnd().split('\n').at(-1) ?? '' };
}

export async function census(args: readonly string[], options?: RunOptions): Promise<Census> {
  const { stdout, stderr } = await runDemo([...args, '--json'], options);
  try {
    return JSON.parse(stdout) as Census;
  } catch {
    throw new Error(`no JSON: ${stdout}${stderr}`);
  }
}

/** The command lines of what runs in a session. */
export function processesOf(session: number): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        const [state, , , itsSession] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        if (state === 'Z' || Number(itsSession) !== session) return [];
        return [commandOf(Number(pid)).join(' ')];
      } catch {
        return []; // it has ended since it was listed
      }
    });
}

/** Resolves once something runs in the session whose command line has that in it, so often. */
export function untilRunning({ pid }: Run, what: string, times = 1): Promise<void> {
  return until(`${what} runs`, () => processesOf(pid).filter((line) => line.includes(what)).length >= times);
}

/** Numbers that look random and are the same at each run. */
export function pseudoRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
