import { lines, UNIT as LINES, type LinesSpec } from '../chains/lines.js';
import { start } from '../chains/starting.js';
import { flow, UNIT as BYTES } from '../chains/throughput.js';
import { inProcess } from '../harness/laps.js';
import { type Part, type Row } from '../harness/part.js';

/** Long enough that the start of the programs is little of it: 512 MiB, and a million lines. */
const throughput = { amount: 8, rounds: 9 };
const manyLines = { amount: 10, rounds: 9, warmUp: 10 };

const flowRow: Row = {
  name: 'zeros through cat | cat | wc -c',
  measure: { kind: 'speed', bytesPerUnit: BYTES },
  fixed: throughput,
  ours: { name: 'aiopipe', open: () => inProcess(flow, 'ours') },
  peers: [
    { name: 'sh -c', open: () => inProcess(flow, 'shell'), goal: 0.95 },
    { name: 'execa .pipe(), unbuffered', open: () => inProcess(flow, 'execa'), goal: 3 },
    { name: 'zx .pipe()', open: () => inProcess(flow, 'zx'), goal: 3 },
  ],
};

const startRow: Row = {
  name: 'true | true until its end is known',
  measure: { kind: 'time', unit: 'chain' },
  ours: { name: 'aiopipe', open: () => inProcess(start, 'ours') },
  peers: [
    { name: 'two child_process.spawn', open: () => inProcess(start, 'spawnPiped'), goal: 1.2 },
    { name: "the same, stdio 'ignore'", open: () => inProcess(start, 'spawnIgnored'), goal: 1.2 },
    { name: 'sh -c', open: () => inProcess(start, 'shell') },
    { name: 'execa .pipe()', open: () => inProcess(start, 'execa') },
    { name: 'zx .pipe()', open: () => inProcess(start, 'zx') },
  ],
};

const goal = 2;

function lineRows(source: LinesSpec['source'], what: string): Row[] {
  const open = (way: LinesSpec['way']) => () => inProcess(lines, { source, way });
  const measure = { kind: 'time', unit: `${String(LINES / 1000)}k lines` } as const;
  const byHand = { name: 'a loop with split()', open: open('byHand') };
  return [
    {
      name: `for await over lines(), ${what}`,
      measure,
      fixed: manyLines,
      ours: { name: 'aiopipe', open: open('loop') },
      peers: [
        { name: 'readline, for await', open: open('readlineLoop'), goal: 1 / goal },
        { name: "readline, on('line')", open: open('readlineEvents') },
        byHand,
      ],
    },
    {
      name: `lines().forEach(), ${what}`,
      measure,
      fixed: manyLines,
      ours: { name: 'aiopipe', open: open('forEach') },
      peers: [{ name: "readline, on('line')", open: open('readlineEvents'), goal: 1 / goal }, byHand],
    },
  ];
}

export const chains: Part = {
  title: 'Chains of programs: bytes through them, their start, their lines',
  prepare: () =>
    Promise.resolve({
      rows: [flowRow, startRow, ...lineRows('numbers', 'of up to 7 digits'), ...lineRows('log', 'of 75 characters')],
      notes: [],
    }),
};
