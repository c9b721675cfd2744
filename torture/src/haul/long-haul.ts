import Table from 'cli-table3';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Hauled } from './hauled.js';
import { kinds } from './kinds.js';

const program = fileURLToPath(new URL('./haul.js', import.meta.url));

/** Runs each kind in turn, for an equal part of the time, or until it has done as many as it should. */
export async function longHaul(seconds: number, signal: AbortSignal): Promise<void> {
  const table = new Table({
    head: ['', 'of', 'heap, bytes each', 'process, bytes each', 'descriptors, most', 'children, most'],
    style: process.stdout.isTTY ? { head: [] } : { head: [], border: [] },
  });
  for (const [name, { most }] of kinds) {
    if (signal.aborted) break;
    const hauled = await haul(name, seconds / kinds.size, signal);
    if (hauled === undefined) {
      if (signal.aborted) break;
      console.log(`FAILED: ${name}: see above`);
      process.exitCode = 1;
      continue;
    }
    const { count, heap, rss, descriptors, processes } = hauled;
    const range = ([first, highest]: readonly [number, number]) => `${String(first)}, ${String(highest)}`;
    table.push([
      `${String(count)} ${name}`,
      most,
      plusMinus(heap),
      plusMinus(rss),
      range(descriptors),
      range(processes),
    ]);
    if (descriptors[1] > descriptors[0] || processes[1] > processes[0]) {
      console.log(`FAILED: ${name}: descriptors ${range(descriptors)}, children ${range(processes)}`);
      process.exitCode = 1;
    }
  }
  console.log(table.toString());
}

/** Undefined if it was stopped, or has failed. */
async function haul(name: string, seconds: number, signal: AbortSignal): Promise<Hauled | undefined> {
  const child = spawn(process.execPath, ['--expose-gc', program, name, String(seconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += String(chunk);
  });
  await once(child, 'close');
  signal.removeEventListener('abort', kill);
  return output === '' ? undefined : (JSON.parse(output) as Hauled);
}

const plusMinus = ([slope, error]: readonly [number | null, number | null]): string =>
  slope === null || error === null ? 'too few samples' : `${slope.toFixed(2)} ± ${error.toFixed(2)}`;
