import { type Exchange } from '../channels/exchange.js';
import { contestants, type ContestantName } from '../channels/sides.js';
import { inProcess } from '../harness/laps.js';
import { measuringMemory } from '../harness/memory.js';
import { type Part, type Row, type Runner } from '../harness/part.js';
import { hasProcessTree } from '../harness/process-tree.js';
import { formatSize, KiB } from '../harness/sizes.js';
import { startOurs } from '../starting/ours.js';
import { type Starting } from '../starting/starting.js';
import { startTheirs } from '../starting/theirs.js';

const CHANNELS = [1, 8, 64];
const STARTS = [10, 100, 1000];
/** In which all of the starts of a row are done, in turn with the other side: so many, each an equal share. */
const SHARES = 10;
/** From 64 bytes to 16 MiB by powers of four. */
const SIZES = Array.from({ length: 10 }, (_, index) => 64 * 4 ** index);

/** Both can have many channels to one partner; process.send cannot. */
const manyChannels: readonly ContestantName[] = ['worker_threads postMessage', 'net.Socket, msgpackr'];
const anySize: readonly ContestantName[] = [...manyChannels, 'process.send, advanced'];

/** With fewer a round would be about beginning and ending on each channel. */
const LEAST_EACH = 100;

/** Messages that each channel has carried when memory is looked at, the same however many there are. */
const MESSAGES_EACH = 1000;

export const growth: Part = {
  title: 'Cost as work grows',
  prepare() {
    const rows = [
      ...CHANNELS.map((channels) => channelsRow(channels)),
      ...SIZES.map((size) => sizeRow(size)),
      ...STARTS.map((amount) => startRow('process', amount)),
      ...STARTS.map((amount) => startRow('program', amount)),
    ];
    if (hasProcessTree) rows.push(...CHANNELS.map(channelsMemoryRow), ...STARTS.map(startsMemoryRow));
    const notes = ['process.send has one channel a child: it takes no part where there are many'];
    if (!hasProcessTree) notes.push('this system has no /proc: memory is not measured');
    return Promise.resolve({ rows, notes });
  },
};

const KIBIBYTE_OUT = { way: 'out', shape: 'text', size: KiB } as const;
const countOfChannels = (count: number) => `${String(count)} ${count === 1 ? 'channel' : 'channels'}`;

function channelsRow(channels: number): Row {
  const at = { curve: 'Throughput, 1 KiB of text', axis: 'channels at once', x: channels };
  const name = `1 KiB of text over ${countOfChannels(channels)}`;
  return { ...exchangeRow(name, { ...KIBIBYTE_OUT, channels }, manyChannels, at), least: LEAST_EACH * channels };
}

function sizeRow(size: number): Row {
  return exchangeRow(`${formatSize(size)} of text`, { way: 'out', shape: 'text', size, channels: 1 }, anySize, {
    curve: 'Throughput, one channel',
    axis: 'characters in a message',
    x: size,
  });
}

function exchangeRow(name: string, spec: Exchange, peers: readonly ContestantName[], at: Row['at']): Row {
  return {
    name,
    measure: { kind: 'speed', bytesPerUnit: spec.size },
    at,
    ours: { name: 'aiopipe', open: () => contestants.aiopipe(spec) },
    peers: peers.map((peer) => ({ name: peer, open: () => contestants[peer](spec) })),
  };
}

function channelsMemoryRow(channels: number): Row {
  const spec: Exchange = { ...KIBIBYTE_OUT, channels };
  const open = (name: ContestantName) => () => measuringMemory(contestants[name](spec));
  return {
    name: `memory of both sides of ${countOfChannels(channels)}`,
    measure: { kind: 'memory' },
    fixed: { amount: MESSAGES_EACH * channels, rounds: 3 },
    at: { curve: 'Memory of both sides together', axis: 'channels', x: channels },
    ours: { name: 'aiopipe', open: open('aiopipe') },
    peers: manyChannels.map((name) => ({ name, open: open(name) })),
  };
}

const STARTED = 'started, one after the other';
const names = { process: 'Node.js processes', program: 'programs (/bin/true)' };
const theirNames = { process: 'child_process.fork', program: 'child_process.spawn' };

function startRow(what: Starting['what'], amount: number): Row {
  return {
    name: `${String(amount)} ${names[what]} in sequence`,
    measure: { kind: 'time', unit: what },
    fixed: { amount: amount / SHARES, rounds: SHARES, isWhole: true },
    at: { curve: `Time of each of the ${names[what]}`, axis: STARTED, x: amount },
    ...starters(what, (runner) => runner),
  };
}

function startsMemoryRow(amount: number): Row {
  return {
    name: `memory of the parent after ${String(amount)} programs`,
    measure: { kind: 'memory' },
    fixed: { amount, rounds: 3 },
    at: { curve: 'Memory of the parent of programs', axis: STARTED, x: amount },
    ...starters('program', measuringMemory),
  };
}

function starters(what: Starting['what'], gauge: (runner: Runner) => Runner): Pick<Row, 'ours' | 'peers'> {
  const spec: Starting = { what, order: 'in sequence' };
  return {
    ours: { name: 'aiopipe', open: () => gauge(inProcess(startOurs, spec)) },
    peers: [{ name: theirNames[what], open: () => gauge(inProcess(startTheirs, spec)) }],
  };
}
