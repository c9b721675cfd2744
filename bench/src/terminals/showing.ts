import { target } from '@aiopipe/process';
import { popen } from '@aiopipe/subprocess';
import { runLaps, type Laps } from '../harness/laps.js';
import { loadNodePty } from './node-pty.js';

export const UNIT = 1024 * 1024;

const PROGRAM = ['cat', '/dev/zero'] as const;
const [FILE, ...ARGS] = PROGRAM;

/** Reads so many bytes of what the program shows. */
type Show = (bytes: number) => Promise<void>;

/** Each loads what it needs alone, and starts a program that shows zeros without an end. */
const ways = {
  ours(): Show {
    const { reader } = popen(PROGRAM, { terminal: { columns: 80, rows: 24 } }).terminal.open();
    let ahead = 0;
    return async (bytes) => {
      let left = bytes - ahead;
      for await (const chunk of reader) {
        left -= chunk.length;
        if (left <= 0) break;
      }
      ahead = -left;
    };
  },
  async nodePty(): Promise<Show> {
    const { spawn } = await loadNodePty();
    // Without an encoding it gives the bytes, as ours does.
    const terminal = spawn(FILE, ARGS, { cols: 80, rows: 24, encoding: null });
    let left = 0;
    let done: () => void = () => undefined;
    terminal.onData((chunk) => {
      left -= chunk.length;
      if (left > 0) return;
      terminal.pause();
      done();
    });
    return (bytes) =>
      new Promise((resolve) => {
        left += bytes;
        done = resolve;
        terminal.resume();
      });
  },
};

export const show = target(import.meta.url, 'show', async (laps: Laps, way: keyof typeof ways) => {
  const showBytes = await ways[way]();
  await runLaps(laps, (amount) => showBytes(amount * UNIT));
});
