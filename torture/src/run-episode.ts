import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { isRunning } from '@aiopipe/testing';
import { type Episode } from './episodes/episode.js';
import { type ScriptCoverage } from './fuzz/coverage.js';
import { harmParent } from './harm-parent.js';
import { World, type Counted, type End, type Told } from './world.js';

/** The results of an episode, and its failures. */
export interface Outcome {
  readonly counts: ReadonlyMap<Counted, number>;
  readonly faults: ReadonlyMap<string, number>;
  /** None if the episode was killed, or ended before its end. */
  readonly end: End | undefined;
  readonly coverage: readonly ScriptCoverage[];
  readonly wrong: readonly string[];
}

/** Milliseconds without news after which an episode hangs, and those after which it hangs also if there are news. */
const LIMIT = 60_000;
const LONGEST = 300_000;
/** Milliseconds that an episode's processes may live on after it. */
const ORPHANS_MAY_LIVE = 15_000;
/** Stands in the environment of an episode, and so of every process that it starts. */
const MARK = 'AIOPIPE_TORTURE';

const program = fileURLToPath(new URL('./episode.js', import.meta.url));

/** Runs an episode in a process of its own, and looks for what it leaves behind. An abort ends it, and is no failure. */
export async function runEpisode(name: string, episode: Episode, seed: number, signal: AbortSignal): Promise<Outcome> {
  // Its own decisions come from the same seed, but are others than these.
  const chance = new World(seed ^ 0x5eed, false);
  const counts = new Map<Counted, number>();
  const faults = new Map<string, number>();
  const countFault = (what: string, n = 1) => faults.set(what, (faults.get(what) ?? 0) + n);
  const wrong: string[] = [];
  const coverage: ScriptCoverage[] = [];
  let place: string | undefined;
  let end: End | undefined;

  const mark = `${String(process.pid)}-${String(seed)}`;
  const directory = mkdtempSync(join(tmpdir(), 'aiopipe-torture-'));
  const log = join(directory, 'log');
  const { words: wrapper, fault } = episode.wrapper?.(chance, log) ?? { words: [] };
  if (fault !== undefined) faults.set(fault, 1);
  const words = [...wrapper, process.execPath, '--expose-gc', program, name, String(seed)];
  const child = spawn(words[0] as string, words.slice(1), {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, [MARK]: mark },
    detached: true,
  });
  const killAfter = episode.killAfter?.(chance);
  let onKilled: (() => void) | undefined;
  const hasEnded = new AbortController();
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = `${stderr}${String(chunk)}`.slice(-4000);
  });
  const start = performance.now();
  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => {
    // On a busy machine an episode is slow, and does not hang.
    if (performance.now() - start < LONGEST) timer.refresh();
    const told = JSON.parse(line) as Told;
    if (told.kind === 'count') counts.set(told.what, (counts.get(told.what) ?? 0) + told.n);
    if (told.kind === 'fault') countFault(told.what, told.n);
    if (told.kind === 'wrong') wrong.push(told.what);
    if (told.kind === 'at') place = told.what;
    if (told.kind === 'coverage') coverage.push(told.script);
    if (told.kind === 'pid' && killAfter !== undefined)
      void harmParent(told.pid, killAfter, chance, countFault, hasEnded.signal).then(() => onKilled?.());
    if (told.kind === 'done') end = told;
  });

  const killAll = () => {
    try {
      process.kill(-(child.pid as number), 'SIGKILL'); // its wrapper, too
    } catch {
      // it has just ended
    }
  };
  signal.addEventListener('abort', killAll);
  const timer = setTimeout(() => {
    if (place !== undefined || wrapper.length === 0) wrong.push(`hangs at: ${place ?? 'its start'}`);
    killAll();
  }, LIMIT);
  const [code, signalCode] = await new Promise<[number | null, string | null]>((resolve) => {
    const settle = (...how: [number | null, string | null]) => {
      // Its tellings may still be on their way, and what it left behind may hold the pipe.
      setTimeout(() => {
        resolve(how);
      }, 50);
    };
    child.once('exit', settle);
    // Its wrapper may wait for processes that it has left behind.
    onKilled = () => {
      settle(null, 'SIGKILL');
    };
  });
  hasEnded.abort();
  clearTimeout(timer);
  signal.removeEventListener('abort', killAll);
  const hasBegun = place !== undefined || wrapper.length === 0;
  const isOfLibuv = signalCode === 'SIGABRT' && episode.mayAbort?.(textOf(log)) === true;
  rmSync(directory, { recursive: true });
  if (killAfter === undefined && !isOfLibuv && wrong.length === 0 && end === undefined && hasBegun) {
    wrong.push(`ended with ${String(code ?? signalCode)} at: ${place ?? 'its start'}`);
  }
  if (signal.aborted) wrong.length = 0;
  const orphans = await lastingOrphans(mark);
  if (orphans.length > 0) wrong.push(`left running: ${orphans.join(', ')}`);
  if (wrong.length > 0 && wrapper.length > 0) wrong.push(`under: ${wrapper.join(' ')}`);
  if (wrong.length > 0 && stderr !== '') wrong.push(`stderr: ${stderr}`);
  return { counts, faults, end, coverage, wrong };
}

/** Returns the processes of an episode that still run some time after it, and sends them SIGKILL. */
async function lastingOrphans(mark: string): Promise<string[]> {
  const end = performance.now() + ORPHANS_MAY_LIVE;
  let pids = marked(mark);
  while (pids.length > 0 && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    pids = marked(mark);
  }
  return pids.map((pid) => {
    const command = textOf(`/proc/${String(pid)}/cmdline`)
      .replaceAll('\0', ' ')
      .trim();
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has just ended
    }
    return `${String(pid)} ${command}`;
  });
}

const marked = (mark: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isRunning(pid) && textOf(`/proc/${String(pid)}/environ`).includes(`${MARK}=${mark}`));

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
