import { target } from '@aiopipe/process';
import { popen } from '@aiopipe/subprocess';
import { runLaps, type Laps } from '../harness/laps.js';
import { loadNodePty } from './node-pty.js';

type Start = () => Promise<unknown>;

/** Each loads what it needs alone; then it starts `true` on a terminal, and resolves when it has ended and its terminal is closed. */
const ways = {
  ours: (): Start => async () => {
    const program = popen(['true'], { terminal: { columns: 80, rows: 24 } });
    await using stream = program.terminal.open();
    await Promise.all([stream.reader.read(), program.wait()]);
  },
  async nodePty(): Promise<Start> {
    const { spawn } = await loadNodePty();
    return () =>
      new Promise((resolve) => {
        // It closes the terminal before it tells of the end.
        spawn('true', [], { cols: 80, rows: 24, encoding: null }).onExit(resolve);
      });
  },
};

export const startTerminal = target(import.meta.url, 'startTerminal', async (laps: Laps, way: keyof typeof ways) => {
  const start = await ways[way]();
  await runLaps(laps, async (amount) => {
    for (let i = 0; i < amount; i++) await start();
  });
});
