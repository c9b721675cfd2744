import { randomUUID } from 'node:crypto';
import { target } from '@aiopipe/process';
import PgBoss from 'pg-boss';
import { type Laps } from '../harness/laps.js';
import { startPostgres } from './services.js';
import { textOf } from './tasks-bullmq.js';
import { runOverMachines, type MachineTarget, type MachineWork } from './work.js';

const TASKS = 'tasks';
const RESULTS = 'results';
/** It polls; half a second is the least that it allows. */
const POLLING = { pollingIntervalSeconds: 0.5 };
/** Jobs that it takes at a time. As few as others run at once would make it wait half a second for each. */
const BATCH = 64;

interface Task {
  readonly id: string;
  readonly text: string;
}

async function open(port: number): Promise<PgBoss> {
  const boss = new PgBoss({ host: '127.0.0.1', port, user: 'bench', database: 'postgres', supervise: false });
  boss.on('error', () => undefined);
  await boss.start();
  return boss;
}

const machine: MachineTarget = target(import.meta.url, 'pgBossMachine', async (port, _work, ready) => {
  const boss = await open(port);
  await boss.work<Task>(TASKS, { ...POLLING, batchSize: BATCH }, async (jobs) => {
    await Promise.all(jobs.map(({ data }) => boss.send(RESULTS, data)));
  });
  await ready.put(true);
  await new Promise(() => undefined);
});

/** pg-boss has no answers: results come back through a queue of their own. */
export const tasksPgBoss = target(import.meta.url, 'tasksPgBoss', async (laps: Laps, work: MachineWork) => {
  const server = await startPostgres();
  const boss = await open(server.port);
  await boss.createQueue(TASKS);
  await boss.createQueue(RESULTS);
  await runOverMachines(laps, work, server, machine, async () => {
    const waiting = new Map<string, (text: string) => void>();
    await boss.work<Task>(RESULTS, { ...POLLING, batchSize: BATCH }, (jobs) => {
      for (const { data } of jobs) waiting.get(data.id)?.(data.text);
      return Promise.resolve();
    });
    const texts = new Map<Buffer, string>();
    return {
      run: (payload) =>
        new Promise((resolve, reject) => {
          const id = randomUUID();
          waiting.set(id, (text) => {
            waiting.delete(id);
            resolve(text);
          });
          boss.send(TASKS, { id, text: textOf(texts, payload) }).catch(reject);
        }),
      close: () => boss.stop({ graceful: false, wait: false }),
    };
  });
});
