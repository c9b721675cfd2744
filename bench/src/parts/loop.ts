import { netTransfer } from '../bytes/net-socket.js';
import { transfer } from '../bytes/ours.js';
import { start } from '../chains/starting.js';
import { flow } from '../chains/throughput.js';
import { type Exchange } from '../channels/exchange.js';
import { contestants, type ContestantName } from '../channels/sides.js';
import { inProcess } from '../harness/laps.js';
import { type Part, type Peer, type Row, type Side } from '../harness/part.js';
import { formatSize, KiB, MiB } from '../harness/sizes.js';
import { poolOurs } from '../processes/pool-ours.js';
import { poolPiscina, poolTinypool, poolWorkerpool } from '../processes/pool-theirs.js';
import { type PoolWork } from '../processes/work.js';
import { startOurs } from '../starting/ours.js';
import { type Starting } from '../starting/starting.js';
import { startTheirs } from '../starting/theirs.js';

const ROUNDS = 5;
const MANY = 8;

const messagePeers: readonly ContestantName[] = [
  'process.send, json',
  'process.send, advanced',
  'worker_threads postMessage',
  'net.Socket, msgpackr',
];

const tasks: PoolWork = { workers: 2, outstanding: 8, size: 0 };

const poolRow = stallRow('2000 empty tasks for a pool', 2000, () => inProcess(poolOurs, tasks, 'stall'), [
  { name: 'piscina (threads)', open: () => inProcess(poolPiscina, tasks, 'stall') },
  { name: 'tinypool (child_process)', open: () => inProcess(poolTinypool, tasks, 'stall') },
  { name: 'workerpool (process)', open: () => inProcess(poolWorkerpool, tasks, 'stall') },
]);

const chainsRow = stallRow('true | true, 20 times', 20, () => inProcess(start, 'ours', 'stall'), [
  { name: 'two child_process.spawn', open: () => inProcess(start, 'spawnPiped', 'stall') },
  { name: 'execa .pipe()', open: () => inProcess(start, 'execa', 'stall') },
  { name: 'zx .pipe()', open: () => inProcess(start, 'zx', 'stall') },
]);

const flowRow = stallRow('zeros through cat | cat | wc -c', 4, () => inProcess(flow, 'ours', 'stall'), [
  { name: 'sh -c', open: () => inProcess(flow, 'shell', 'stall') },
  { name: 'execa .pipe(), unbuffered', open: () => inProcess(flow, 'execa', 'stall') },
  { name: 'zx .pipe()', open: () => inProcess(flow, 'zx', 'stall') },
]);

export const loop: Part = {
  title: 'The longest stall of the event loop meanwhile',
  prepare() {
    const rows = [
      bytesRow(64 * KiB, 4096),
      bytesRow(16 * MiB, 16),
      ...(['out', 'in'] as const).flatMap((way) => [
        messagesRow({ way, shape: 'tiny', size: 0, channels: 1 }, 50_000),
        messagesRow({ way, shape: 'tiny', size: 0, channels: MANY }, 50_000),
        messagesRow({ way, shape: 'text', size: 64 * KiB, channels: 1 }, 1000),
        messagesRow({ way, shape: 'text', size: 16 * MiB, channels: 1 }, 4),
      ]),
      startingRow({ what: 'process', order: 'in sequence' }, 8),
      startingRow({ what: 'process', order: 'at once' }, 8),
      startingRow({ what: 'program', order: 'in sequence' }, 100),
      startingRow({ what: 'program', order: 'at once' }, 100),
      poolRow,
      chainsRow,
      flowRow,
    ];
    const notes = ['a 1 ms timer tells of the stalls, so a loop that never stands still shows a little over 1 ms'];
    return Promise.resolve({ rows, notes });
  },
};

function stallRow(name: string, amount: number, ours: Side['open'], peers: readonly Peer[]): Row {
  return {
    name,
    measure: { kind: 'stall' },
    fixed: { amount, rounds: ROUNDS },
    ours: { name: 'aiopipe', open: ours },
    peers,
  };
}

function bytesRow(size: number, amount: number): Row {
  const spec = { kind: 'duplex', capacity: MiB, size, into: false } as const;
  return stallRow(
    `writing ${formatSize(size)}, ${String(amount)} times`,
    amount,
    () => inProcess(transfer, spec, 'stall'),
    [{ name: 'net.Socket', open: () => inProcess(netTransfer, spec, 'stall') }],
  );
}

function messagesRow(spec: Exchange, amount: number): Row {
  const what = spec.shape === 'tiny' ? 'tiny objects' : `texts of ${formatSize(spec.size)}`;
  const over = spec.channels > 1 ? ` over ${String(spec.channels)} channels` : '';
  return stallRow(
    `${spec.way === 'out' ? 'sending' : 'getting'} ${String(amount)} ${what}${over}`,
    amount,
    () => contestants.aiopipe(spec, 'stall'),
    messagePeers.map((name) => ({ name, open: () => contestants[name](spec, 'stall') })),
  );
}

function startingRow(spec: Starting, amount: number): Row {
  const what = spec.what === 'process' ? 'Node.js processes' : 'programs';
  return stallRow(
    `starting ${String(amount)} ${what} ${spec.order}`,
    amount,
    () => inProcess(startOurs, spec, 'stall'),
    [
      {
        name: `child_process.${spec.what === 'process' ? 'fork' : 'spawn'}`,
        open: () => inProcess(startTheirs, spec, 'stall'),
      },
    ],
  );
}
