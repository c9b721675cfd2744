import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { target } from '@aiopipe/process';
import { pipeline } from '@aiopipe/subprocess';
import { runLaps, type Laps } from '../harness/laps.js';

type Start = () => Promise<unknown>;

/** Two programs that don't know each other: what a chain can't cost less than, were Node all that there is. */
const twoPrograms = (stdio: StdioOptions) => (): Start => () =>
  Promise.all([closed(spawn('true', { stdio })), closed(spawn('true', { stdio }))]);

function closed(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.on('close', resolve).on('error', reject);
  });
}

/**
 * Each loads what it needs alone; then it starts `true | true`, and resolves when both have ended and what they wrote is
 * known: nothing.
 */
const ways = {
  ours: (): Start => () => pipeline(['true'], ['true']).run(),
  spawnPiped: twoPrograms('pipe'),
  spawnIgnored: twoPrograms('ignore'),
  shell: (): Start => () => closed(spawn('sh', ['-c', 'true | true'], { stdio: 'ignore' })),
  async execa(): Promise<Start> {
    const { execa } = await import('execa');
    return () => execa('true').pipe('true');
  },
  async zx(): Promise<Start> {
    const { zx: $ } = await import('./zx.js');
    return () => $`true`.pipe($`true`);
  },
};

export const start = target(import.meta.url, 'start', async (laps: Laps, way: keyof typeof ways) => {
  const startChain = await ways[way]();
  await runLaps(laps, async (amount) => {
    for (let i = 0; i < amount; i++) await startChain();
  });
});
