import { fileURLToPath } from 'node:url';
import { target } from '@aiopipe/process';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { type Laps } from '../harness/laps.js';
import { startRedis } from './services.js';
import { runOverMachines, type MachineTarget, type MachineWork } from './work.js';

const QUEUE = 'echo';
/** Finished jobs are kept for their callers, who may ask a little later. */
const KEPT = { removeOnComplete: { count: 1000 } };

export const connectionTo = (port: number) => ({ host: '127.0.0.1', port, maxRetriesPerRequest: null });

/** Tasks run in the machine's own process. */
const machine: MachineTarget = target(import.meta.url, 'bullmqMachine', async (port, { workers }, ready) => {
  const worker = new Worker<string>(QUEUE, ({ data }) => Promise.resolve(data), {
    connection: connectionTo(port),
    concurrency: workers,
  });
  await worker.waitUntilReady();
  await ready.put(true);
  await new Promise(() => undefined);
});

/** Tasks run in child processes of the machine, as ours do. */
const sandbox: MachineTarget = target(import.meta.url, 'bullmqSandbox', async (port, { workers }, ready) => {
  const worker = new Worker<string>(QUEUE, fileURLToPath(new URL('./echo-bullmq.js', import.meta.url)), {
    connection: connectionTo(port),
    concurrency: workers,
  });
  await worker.waitUntilReady();
  await ready.put(true);
  await new Promise(() => undefined);
});

async function run(laps: Laps, work: MachineWork, kind: MachineTarget): Promise<void> {
  await runOverMachines(laps, work, await startRedis(), kind, async (port) => {
    const connection = connectionTo(port);
    const queue = new Queue<string | undefined>(QUEUE, { connection, defaultJobOptions: KEPT });
    // From the first event: it may begin to listen after the first task is done, which then would never end for its caller.
    const events = new QueueEvents(QUEUE, { connection, lastEventId: '0-0' });
    events.setMaxListeners(0);
    queue.setMaxListeners(0);
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
    const texts = new Map<Buffer, string>();
    return {
      run: async (payload) => {
        const job = await queue.add('task', textOf(texts, payload));
        return job.waitUntilFinished(events);
      },
      close: async () => {
        await Promise.all([queue.close(), events.close()]);
      },
    };
  });
}

/** BullMQ sends JSON: it gets text of the same length. */
export function textOf(texts: Map<Buffer, string>, payload: Buffer | undefined): string {
  if (payload === undefined) return '';
  let text = texts.get(payload);
  if (text === undefined) texts.set(payload, (text = payload.toString('latin1')));
  return text;
}

export const tasksBullmq = target(import.meta.url, 'tasksBullmq', (laps: Laps, work: MachineWork) =>
  run(laps, work, machine),
);

export const tasksBullmqSandbox = target(import.meta.url, 'tasksBullmqSandbox', (laps: Laps, work: MachineWork) =>
  run(laps, work, sandbox),
);
