import { type Target } from '@aiopipe/process';
import { inProcess, type Laps } from '../harness/laps.js';
import { measuringMemory } from '../harness/memory.js';
import { type Part, type Peer, type Row, type Side } from '../harness/part.js';
import { findPlacements } from '../harness/placement.js';
import { hasProcessTree } from '../harness/process-tree.js';
import { formatSize, MiB } from '../harness/sizes.js';
import { poolOurs } from '../processes/pool-ours.js';
import { poolFork, poolPiscina, poolTinypool, poolWorkerpool } from '../processes/pool-theirs.js';
import { startsOurs, startsTheirs, type Warmth } from '../processes/starts.js';
import { type PoolWork } from '../processes/work.js';
import { startOurs } from '../starting/ours.js';
import { type Starting } from '../starting/starting.js';
import { startTheirs } from '../starting/theirs.js';

const WORKERS = 2;
const PER_WORKER = 4;
const MANY = 50;
/** Microseconds. */
const SPIN = 50;
/** Large tasks of a round of many: each worker has its share several times over. */
const LARGE = { amount: 4 * WORKERS * PER_WORKER, rounds: 9 };

/** Of child_process.fork's time for the same module. */
const shares: Record<Warmth, number> = { cold: 1, preforked: 0.1, preloaded: 0.02 };

const pools = {
  'piscina (threads)': poolPiscina,
  'tinypool (child_process)': poolTinypool,
  'workerpool (process)': poolWorkerpool,
  'child_process.fork': poolFork,
} satisfies Record<string, Target<[laps: Laps, work: PoolWork], void>>;

type Goals = Partial<Record<keyof typeof pools, number>>;

export const processes: Part = {
  title: 'Processes: starts, and tasks for a pool of them',
  prepare() {
    const one = { workers: 1, outstanding: 1 };
    const many = { workers: WORKERS, outstanding: WORKERS * PER_WORKER };
    const latencyGoals = { 'piscina (threads)': 1, 'tinypool (child_process)': 1 / 3 };
    const { placements, apart, notes } = findPlacements();
    const empty = { ...one, size: 0 };
    const rows = [
      startRow('cold start to the first message', 'cold'),
      startRow('the same, preforked', 'preforked'),
      startRow('the same, preforked and preloaded', 'preloaded'),
      manyRow,
      ...placements.map(({ place }) => place(poolRow('an empty task, 1 outstanding', 'time', empty, latencyGoals))),
      apart.place(
        poolRow(`an empty task, 1 outstanding, spin: ${String(SPIN)}`, 'time', { ...empty, spin: SPIN }, latencyGoals),
      ),
      poolRow(
        `empty tasks, ${String(PER_WORKER)} outstanding for each of ${String(WORKERS)} workers`,
        'rate',
        { ...many, size: 0 },
        { 'piscina (threads)': 1, 'tinypool (child_process)': 3 },
      ),
      poolRow(`a task of ${formatSize(MiB)} there and back, 1 outstanding`, 'time', { ...one, size: MiB }, {}),
      poolRow(`the same, ${String(PER_WORKER)} for each worker`, 'rate', { ...many, size: MiB }, {}),
    ];
    if (hasProcessTree) rows.push(idlePoolRow());
    else notes.push('this system has no /proc: memory is not measured');
    return Promise.resolve({ rows, notes });
  },
};

const IDLE = { workers: 8, tasksEach: 100 };

/** What the pool's process and all of its workers hold together, after some tasks. */
function idlePoolRow(): Row {
  const row = poolRow(
    `memory of an idle pool of ${String(IDLE.workers)} workers`,
    'time',
    { workers: IDLE.workers, outstanding: IDLE.workers, size: 0 },
    {},
  );
  const measuring = <S extends Side>(side: S): S => ({ ...side, open: async () => measuringMemory(await side.open()) });
  return {
    ...row,
    measure: { kind: 'memory' },
    fixed: { amount: IDLE.workers * IDLE.tasksEach, rounds: 3 },
    ours: measuring(row.ours),
    peers: row.peers.map(measuring),
  };
}

function startRow(name: string, warmth: Warmth): Row {
  return {
    name,
    measure: { kind: 'time', unit: 'start' },
    ours: { name: 'aiopipe', open: () => inProcess(startsOurs, warmth) },
    peers: [{ name: 'child_process.fork', open: () => inProcess(startsTheirs, undefined), goal: shares[warmth] }],
  };
}

const atOnce: Starting = { what: 'process', order: 'at once' };

const manyRow: Row = {
  name: `${String(MANY)} processes at once, until all have ended`,
  measure: { kind: 'time', unit: 'process' },
  fixed: { amount: MANY, rounds: 3 },
  ours: { name: 'aiopipe', open: () => inProcess(startOurs, atOnce) },
  peers: [{ name: 'child_process.fork', open: () => inProcess(startTheirs, atOnce) }],
};

function poolRow(name: string, kind: 'time' | 'rate', work: PoolWork, goals: Goals): Row {
  const peers = Object.entries(pools).map(([peer, pool]): Peer => ({
    name: peer,
    open: () => inProcess(pool, work),
    goal: goals[peer as keyof typeof pools],
  }));
  return {
    name,
    measure: { kind, unit: 'task' },
    fixed: work.size > 0 && work.outstanding > 1 ? LARGE : undefined,
    ours: {
      name: work.spin === undefined ? 'aiopipe' : `aiopipe, spin ${String(work.spin)}`,
      open: () => inProcess(poolOurs, work),
    },
    peers,
  };
}
