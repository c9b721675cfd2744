import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { target } from '@aiopipe/process';
import { pipeline } from '@aiopipe/subprocess';
import { runLaps, type Laps } from '../harness/laps.js';

export const UNIT = 100_000;

const LOG_LINE = '2026-01-31T12:00:00.000Z worker-7 INFO request handled: GET /users/1234 200';

/** Programs that write so many units of lines, faster than any side takes them: `yes | head` would not be. */
const sources = {
  numbers: (units: number) => ['seq', String(units * UNIT)],
  log: (units: number, file: string) => ['cat', ...Array.from({ length: units }, () => file)],
};

function stdoutOf([program, ...args]: readonly string[]) {
  return spawn(program as string, args, { stdio: ['ignore', 'pipe', 'inherit'] }).stdout;
}

/** Each hands every line that the program writes to `take`. */
const ways = {
  async loop(argv: readonly string[], take: (line: string) => void) {
    for await (const line of pipeline(argv).lines()) take(line);
  },
  async forEach(argv: readonly string[], take: (line: string) => void) {
    await pipeline(argv).lines().forEach(take);
  },
  async readlineLoop(argv: readonly string[], take: (line: string) => void) {
    for await (const line of createInterface({ input: stdoutOf(argv) })) take(line);
  },
  async readlineEvents(argv: readonly string[], take: (line: string) => void) {
    const lines = createInterface({ input: stdoutOf(argv) });
    await new Promise((resolve) => {
      lines.on('line', take).on('close', resolve);
    });
  },
  async byHand(argv: readonly string[], take: (line: string) => void) {
    let rest = '';
    for await (const chunk of stdoutOf(argv).setEncoding('utf8')) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) take(line);
    }
    if (rest !== '') take(rest);
  },
};

export interface LinesSpec {
  readonly source: keyof typeof sources;
  readonly way: keyof typeof ways;
}

export const lines = target(import.meta.url, 'lines', async (laps: Laps, { source, way }: LinesSpec) => {
  const directory = mkdtempSync(join(tmpdir(), 'bench-lines-'));
  try {
    const file = join(directory, 'log');
    writeFileSync(file, `${LOG_LINE}\n`.repeat(UNIT));
    await runLaps(laps, async (amount) => {
      let count = 0;
      let characters = 0;
      await ways[way](sources[source](amount, file), (line) => {
        count++;
        characters += line.length;
      });
      if (count !== amount * UNIT) throw new Error(`${String(count)} lines of ${String(characters)} characters came`);
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
