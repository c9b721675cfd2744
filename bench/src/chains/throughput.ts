import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { target } from '@aiopipe/process';
import { pipeline } from '@aiopipe/subprocess';
import { execa } from 'execa';
import { runLaps, type Laps } from '../harness/laps.js';
import { zx as $ } from './zx.js';

export const UNIT = 64 * 1024 * 1024;

/** Each sends so many zeros through two `cat`s, and resolves to what `wc` says of them. */
const ways = {
  ours: async (bytes: number) =>
    (await pipeline(['head', '-c', String(bytes), '/dev/zero'], ['cat'], ['cat'], ['wc', '-c']).run()).stdout,
  shell: (bytes: number) =>
    text(
      spawn('sh', ['-c', `head -c ${String(bytes)} /dev/zero | cat | cat | wc -c`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }).stdout,
    ),
  // Without `buffer: false` it keeps what goes through as text, and this much ends the process.
  execa: async (bytes: number) => {
    const unkept = { buffer: false };
    const first = execa('head', ['-c', String(bytes), '/dev/zero'], unkept);
    return (await first.pipe('cat', unkept).pipe('cat', unkept).pipe('wc', ['-c'])).stdout;
  },
  zx: async (bytes: number) =>
    (
      await $`head -c ${bytes} /dev/zero`
        .pipe($`cat`)
        .pipe($`cat`)
        .pipe($`wc -c`)
    ).stdout,
};

export const flow = target(import.meta.url, 'flow', (laps: Laps, way: keyof typeof ways) =>
  runLaps(laps, async (amount) => {
    const bytes = amount * UNIT;
    const counted = await ways[way](bytes);
    if (Number(counted) !== bytes) throw new Error(`wc counted ${counted} of ${String(bytes)} bytes`);
  }),
);
