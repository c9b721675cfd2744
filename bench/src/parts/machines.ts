import { type Target } from '@aiopipe/process';
import { findProgram } from '../harness/find-program.js';
import { inProcess, type Laps } from '../harness/laps.js';
import { type FixedWork, type Part, type Peer, type Row } from '../harness/part.js';
import { formatSize, KiB, MiB } from '../harness/sizes.js';
import { messagesBullmq } from '../machines/messages-bullmq.js';
import { messagesJetStream } from '../machines/messages-jetstream.js';
import { messagesOurs } from '../machines/messages-ours.js';
import { tasksBullmq, tasksBullmqSandbox } from '../machines/tasks-bullmq.js';
import { tasksNats } from '../machines/tasks-nats.js';
import { tasksOurs } from '../machines/tasks-ours.js';
import { tasksPgBoss } from '../machines/tasks-pg-boss.js';
import { type MachineWork, type Messages } from '../machines/work.js';

const OURS = 'aiopipe';
const BULLMQ = 'BullMQ';
const SANDBOX = 'BullMQ, sandboxed';
const PG_BOSS = 'pg-boss';
const NATS = 'NATS, request and reply';
const JETSTREAM = 'nats.js, JetStream';

/** The programs that a peer needs, and what is missing without them. */
const NEEDS: Readonly<Record<string, string>> = {
  [BULLMQ]: 'redis-server',
  [SANDBOX]: 'redis-server',
  [PG_BOSS]: 'initdb',
};

const tasks: Readonly<Record<string, Target<[laps: Laps, work: MachineWork], void>>> = {
  [BULLMQ]: tasksBullmq,
  [SANDBOX]: tasksBullmqSandbox,
  [PG_BOSS]: tasksPgBoss,
  [NATS]: tasksNats,
};

const messages: Readonly<Record<string, Target<[laps: Laps, spec: Messages], void>>> = {
  [BULLMQ]: messagesBullmq,
  [JETSTREAM]: messagesJetStream,
};

const MACHINES = 2;
const WORKERS = 2;
const MANY = 64;
const AHEAD = 16;
const COUNTS = [1, 2, 4, 8];
const SIZES = [KiB, 64 * KiB, MiB, 16 * MiB];
/** pg-boss needs half a second for a step: a row of its own, with what it can do in a round. */
const OF_PG_BOSS: FixedWork = { amount: 64, rounds: 4 };
const ONE_OF_PG_BOSS: FixedWork = { amount: 2, rounds: 2 };
/** Of one round of large tasks. */
const LARGE: FixedWork = { amount: 8, rounds: 4 };

type Goals = Readonly<Record<string, number | undefined>>;

export const machines: Part = {
  title: 'Tasks and messages over several machines',
  prepare() {
    const notes: string[] = [];
    if (findProgram('nats-server') === undefined) {
      notes.push('there is no nats-server here (on Debian: apt-get install nats-server): nothing of this part can run');
      return Promise.resolve({ rows: [], notes });
    }
    const missing = Object.entries(NEEDS).filter(([, program]) => findProgram(program) === undefined);
    for (const [peer, program] of missing) notes.push(`there is no ${program} here: ${peer} is missing`);
    const names = new Set(missing.map(([peer]) => peer));
    const rows = allRows().map((row) => ({ ...row, peers: row.peers.filter(({ name }) => !names.has(name)) }));
    notes.push(
      'each machine is a process with a connection of its own, and all share these cores with the callers and the servers',
      `2 tasks at once on each machine. Ours and the sandboxed ones of BullMQ run in child processes of the machine; the others run in the machine's own process`,
      'NATS, request and reply, is the limit: nothing is stored, and a task whose machine dies is lost',
      'the servers have the settings that they come with; BullMQ and pg-boss get text, because they send JSON',
    );
    return Promise.resolve({ rows: rows.filter(({ peers }) => peers.length > 0), notes });
  },
};

function allRows(): Row[] {
  const empty = { machines: MACHINES, workers: WORKERS, size: 0 };
  const one = { ...empty, outstanding: 1 };
  const many = { ...empty, outstanding: MANY };
  return [
    taskRow('an empty task, 1 outstanding', 'time', one, { [BULLMQ]: 0.5, [SANDBOX]: undefined, [NATS]: undefined }),
    taskRow(`empty tasks, ${String(MANY)} outstanding`, 'rate', many, {
      [BULLMQ]: 3,
      [SANDBOX]: undefined,
      [NATS]: undefined,
    }),
    taskRow(
      `the same, ${String(AHEAD)} taken ahead by each machine`,
      'rate',
      { ...many, prefetch: AHEAD },
      { [BULLMQ]: 3 },
    ),
    {
      ...taskRow('an empty task, 1 outstanding, beside pg-boss', 'time', one, { [PG_BOSS]: 0.5 }),
      fixed: ONE_OF_PG_BOSS,
    },
    {
      ...taskRow(`empty tasks, ${String(MANY)} outstanding, beside pg-boss`, 'rate', many, { [PG_BOSS]: 3 }),
      fixed: OF_PG_BOSS,
    },
    messageRow({ size: 100, outstanding: MANY }, { [BULLMQ]: 3, [JETSTREAM]: 0.7 }),
    messageRow({ size: 16 * KiB, outstanding: MANY }, { [BULLMQ]: undefined, [JETSTREAM]: 0.7 }),
    ...COUNTS.map((count): Row => ({
      ...taskRow(
        `empty tasks on ${String(count)} ${count === 1 ? 'machine' : 'machines'}`,
        'rate',
        { ...many, machines: count },
        growing,
      ),
      at: { curve: `Tasks, ${String(MANY)} outstanding`, axis: 'machines', x: count },
    })),
    ...SIZES.map(sizeRow),
  ];
}

/** Work of a round whose tasks or messages overlap: each place among those outstanding is used several times. */
const LEAST = { tasks: 5 * MANY, messages: 30 * MANY };

const growing: Goals = { [BULLMQ]: undefined, [NATS]: undefined };

function sizeRow(size: number): Row {
  const work = { machines: MACHINES, workers: WORKERS, outstanding: MACHINES * WORKERS, size };
  // NATS alone has nothing for messages over its max_payload of 1 MiB.
  const peers: Goals = size <= MiB ? growing : { [BULLMQ]: undefined };
  return {
    ...taskRow(`a task of ${formatSize(size)} there and back`, 'rate', work, peers),
    measure: { kind: 'speed', bytesPerUnit: size },
    fixed: size >= MiB ? LARGE : undefined,
    at: { curve: 'Tasks with bytes, there and back', axis: 'bytes of a task', x: size },
  };
}

function taskRow(name: string, kind: 'time' | 'rate', work: MachineWork, goals: Goals): Row {
  return {
    name,
    measure: { kind, unit: 'task' },
    ours: { name: OURS, open: () => inProcess(tasksOurs, work) },
    peers: peersOf(goals, tasks, work),
    ...(work.outstanding === MANY && { least: LEAST.tasks }),
  };
}

function messageRow(spec: Messages, goals: Goals): Row {
  return {
    name: `messages of ${formatSize(spec.size)} through a queue, ${String(spec.outstanding)} outstanding`,
    measure: { kind: 'rate', unit: 'message' },
    least: LEAST.messages,
    ours: { name: OURS, open: () => inProcess(messagesOurs, spec) },
    peers: peersOf(goals, messages, spec),
  };
}

function peersOf<Spec>(
  goals: Goals,
  targets: Readonly<Record<string, Target<[laps: Laps, spec: Spec], void>>>,
  spec: Spec,
): Peer[] {
  return Object.entries(goals).map(([name, goal]) => ({
    name,
    open: () => inProcess(targets[name] as Target<[laps: Laps, spec: Spec], void>, spec),
    goal,
  }));
}
