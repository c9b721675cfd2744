import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { target } from '@aiopipe/process';
import { pipeline } from '@aiopipe/subprocess';
import { runLaps, type Laps } from '../harness/laps.js';

export const UNIT = 64 * 1024 * 1024;

type Flow = (bytes: number) => Promise<string>;

/** Each loads what it needs alone; then it sends so many zeros through two `cat`s, and resolves to what `wc` says of them. */
const ways = {
  ours: (): Flow => async (bytes) =>
    (await pipeline(['head', '-c', String(bytes), '/dev/zero'], ['cat'], ['cat'], ['wc', '-c']).run()).stdout,
  shell: (): Flow => (bytes) =>
    text(
      spawn('sh', ['-c', `head -c ${String(bytes)} /dev/zero | cat | cat | wc -c`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }).stdout,
    ),
  async execa(): Promise<Flow> {
    const { execa } = await import('execa');
    // Without `buffer: false` it keeps what goes through as text, and this much ends the process.
    const unkept = { buffer: false };
    return async (bytes) => {
      const first = execa('head', ['-c', String(bytes), '/dev/zero'], unkept);
      return (await first.pipe('cat', unkept).pipe('cat', unkept).pipe('wc', ['-c'])).stdout;
    };
  },
  async zx(): Promise<Flow> {
    const { zx: $ } = await import('./zx.js');
    return async (bytes) =>
      (
        await $`head -c ${bytes} /dev/zero`
          .pipe($`cat`)
          .pipe($`cat`)
          .pipe($`wc -c`)
      ).stdout;
  },
};

export const flow = target(import.meta.url, 'flow', async (laps: Laps, way: keyof typeof ways) => {
  const send = await ways[way]();
  await runLaps(laps, async (amount) => {
    const bytes = amount * UNIT;
    const counted = await send(bytes);
    if (Number(counted) !== bytes) throw new Error(`wc counted ${counted} of ${String(bytes)} bytes`);
  });
});
