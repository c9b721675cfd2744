import { target } from '@aiopipe/process';
import { Queue, Worker } from 'bullmq';
import { type Laps } from '../harness/laps.js';
import { startRedis } from './services.js';
import { connectionTo } from './tasks-bullmq.js';
import { countMessages, runMessages, type Messages, type ReaderTarget } from './work.js';

const QUEUE = 'messages';

const reader: ReaderTarget = target(import.meta.url, 'bullmqReader', async (port, counts) => {
  const { counted, ended } = countMessages(counts);
  const take = () => {
    counted();
    return Promise.resolve();
  };
  const worker = new Worker(QUEUE, take, { connection: connectionTo(port), concurrency: 64 });
  await worker.waitUntilReady();
  await ended;
});

export const messagesBullmq = target(import.meta.url, 'messagesBullmq', async (laps: Laps, spec: Messages) => {
  await using server = await startRedis();
  const queue = new Queue<string>(QUEUE, {
    connection: connectionTo(server.port),
    defaultJobOptions: { removeOnComplete: true },
  });
  await queue.waitUntilReady();
  const text = 'x'.repeat(spec.size);
  await runMessages(laps, spec, server.port, reader, () => queue.add('message', text));
  await queue.close();
});
