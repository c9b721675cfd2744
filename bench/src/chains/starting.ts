import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { target } from '@aiopipe/process';
import { pipeline } from '@aiopipe/subprocess';
import { execa } from 'execa';
import { runLaps, type Laps } from '../harness/laps.js';
import { zx as $ } from './zx.js';

/** Two programs that don't know each other: what a chain can't cost less than, were Node all that there is. */
const twoPrograms = (stdio: StdioOptions) => () =>
  Promise.all([closed(spawn('true', { stdio })), closed(spawn('true', { stdio }))]);

function closed(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.on('close', resolve).on('error', reject);
  });
}

/** Each starts `true | true`, and resolves when both have ended and what they wrote is known: nothing. */
const ways = {
  ours: () => pipeline(['true'], ['true']).run(),
  spawnPiped: twoPrograms('pipe'),
  spawnIgnored: twoPrograms('ignore'),
  shell: () => closed(spawn('sh', ['-c', 'true | true'], { stdio: 'ignore' })),
  execa: () => execa('true').pipe('true'),
  zx: () => $`true`.pipe($`true`),
};

export const start = target(import.meta.url, 'start', (laps: Laps, way: keyof typeof ways) =>
  runLaps(laps, async (amount) => {
    for (let i = 0; i < amount; i++) await ways[way]();
  }),
);
