import { type Exchange } from '../channels/exchange.js';
import { contestants, pythonExchange, type ContestantName } from '../channels/sides.js';
import { withBusyCores } from '../harness/busy-cores.js';
import { findProgram } from '../harness/find-program.js';
import { type Measure, type Part, type Peer, type Row } from '../harness/part.js';
import { findPlacements, type Placement } from '../harness/placement.js';
import { formatSize, KiB, MiB } from '../harness/sizes.js';

const LARGE_SIZES = [64 * KiB, MiB, 16 * MiB];
const SIZES = [KiB, ...LARGE_SIZES];
const RAW_SIZES = [KiB, 16 * KiB, 64 * KiB, MiB, 16 * MiB];
const AT_ONCE = 8;
const SPIN = 50;
/** Round trips in a lap: the two that look need some before they find each other awake. */
const LEAST_SPINNING = 2000;
/** Of a sleeping round trip's time: where looking finds the answer while a core has nothing else to do, and elsewhere. */
const ONE_FREE = 0.2;
const NONE_FREE = 1.1;

const threads = 'worker_threads postMessage';
const messagePeers: readonly ContestantName[] = [
  'process.send, json',
  'process.send, advanced',
  threads,
  'net.Socket, msgpackr',
];
const rawPeers: readonly ContestantName[] = ['net.Socket, same frames', threads, 'process.send, advanced'];

const tiny = { shape: 'tiny', size: 0, channels: 1 } as const;
const text = (size: number) => ({ shape: 'text', size, channels: 1 }) as const;
const raw = (size: number) => ({ shape: 'bytes', size, channels: 1 }) as const;

export const channels: Part = {
  title: 'Messages between two processes',
  prepare() {
    const python = findProgram('python3');
    const out = (what: Omit<Exchange, 'way'>) => exchangeRow({ ...what, way: 'out' }, python);
    const { placements, apart, notes } = findPlacements();
    const thereAndBack = (what: Omit<Exchange, 'way'>) => (where: Placement) =>
      where.place(exchangeRow({ ...what, way: 'there and back' }, python));
    const rows = [
      out(tiny),
      out({ ...tiny, awaited: true }),
      ...SIZES.map((size) => out(text(size))),
      ...RAW_SIZES.map((size) => out(raw(size))),
      ...placements.map(thereAndBack(tiny)),
      ...placements.map(thereAndBack(text(KiB))),
      ...LARGE_SIZES.map((size) => thereAndBack(text(size))(apart)),
      ...placements.map((where) => where.place(spinRow(python, where.cores === 'one' ? NONE_FREE : ONE_FREE))),
      withBusyCores(apart.place(spinRow(python, NONE_FREE))),
      out({ ...tiny, channels: AT_ONCE }),
      out({ ...text(64 * KiB), channels: AT_ONCE }),
    ];
    notes.push(
      'process.send as JSON takes no part with bytes, for it has no such type',
      `process.send has one channel a child: with ${String(AT_ONCE)} channels it has as many children, the others one`,
    );
    if (python === undefined) notes.push('there is no python3 here: nothing is measured against multiprocessing.Pipe');
    return Promise.resolve({ rows, notes });
  },
};

function exchangeRow(spec: Exchange, python: string | undefined): Row {
  const names = spec.shape === 'bytes' ? rawPeers : messagePeers;
  const peers: Peer[] = names.map((name) => ({
    name,
    open: () => contestants[name](spec),
    goal: goalAgainst(name, spec),
  }));
  if (python !== undefined) {
    peers.push({ name: 'Python multiprocessing.Pipe', open: () => pythonExchange(python, spec) });
  }
  return {
    name: rowName(spec),
    measure: measureOf(spec),
    ours: { name: 'aiopipe', open: () => contestants.aiopipe(spec) },
    peers,
  };
}

/** Against the same channel that sleeps, and all others. */
function spinRow(python: string | undefined, goal: number): Row {
  const spec: Exchange = { ...tiny, way: 'there and back' };
  const sleeping = exchangeRow(spec, python);
  const spinning: Exchange = { ...spec, spin: SPIN };
  return {
    ...sleeping,
    least: LEAST_SPINNING,
    name: `${sleeping.name}, spin: ${String(SPIN)}`,
    ours: { name: `aiopipe, spin: ${String(SPIN)}`, open: () => contestants.aiopipe(spinning) },
    peers: [{ ...sleeping.ours, name: 'aiopipe, without spin', goal }, ...sleeping.peers],
  };
}

function goalAgainst(name: ContestantName, spec: Exchange): number | undefined {
  const { way, shape, size, channels: amount, awaited } = spec;
  if (way !== 'out' || amount > 1 || awaited) return undefined;
  if (shape === 'tiny' && name === threads) return 3;
  return name === 'net.Socket, same frames' && size <= 64 * KiB ? 1.5 : undefined;
}

function measureOf({ way, shape, size }: Exchange): Measure {
  if (way === 'there and back') return { kind: 'time', unit: 'round trip' };
  return shape === 'tiny' ? { kind: 'rate', unit: 'messages' } : { kind: 'speed', bytesPerUnit: size };
}

function rowName({ way, shape, size, channels: amount, awaited }: Exchange): string {
  const what = shape === 'tiny' ? 'tiny object' : `${formatSize(size)} of ${shape}`;
  const how = way !== 'out' ? way : awaited ? 'one way, each put awaited' : 'one way';
  return `${what}, ${how}${amount > 1 ? `, ${String(amount)} channels at once` : ''}`;
}
