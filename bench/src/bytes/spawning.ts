import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
// oxlint-disable-next-line no-restricted-imports -- the row is about this layer's own spawn, which has no public name
import { spawn as ourSpawn } from '@aiopipe/core/internal';
import { target } from '@aiopipe/process';
import { runLaps, type Laps } from '../harness/laps.js';

/** Starts the program, with nothing on its stdio, until its exit is known; one after the other. */
export const spawnOurs = target(import.meta.url, 'spawnOurs', async (laps: Laps, file: string) => {
  await runLaps(laps, async (amount) => {
    for (let i = 0; i < amount; i++) {
      const nothing = openSync('/dev/null', 'r+');
      const program = ourSpawn({
        file,
        argv: [file],
        fds: new Map([
          [0, nothing],
          [1, nothing],
          [2, nothing],
        ]),
      });
      closeSync(nothing);
      await program.exited;
    }
  });
});

export const spawnTheirs = target(import.meta.url, 'spawnTheirs', async (laps: Laps, file: string) => {
  await runLaps(laps, async (amount) => {
    for (let i = 0; i < amount; i++) {
      await new Promise((resolve, reject) => {
        spawn(file, [], { stdio: 'ignore' }).on('exit', resolve).on('error', reject);
      });
    }
  });
});
