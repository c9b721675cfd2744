import { Cluster } from '@aiopipe/nats';
import { target } from '@aiopipe/process';
import { connect } from '@nats-io/transport-node';
import { type Laps } from '../harness/laps.js';
import { loginOf, startNats } from './services.js';
import { countMessages, runMessages, type Messages, type ReaderTarget } from './work.js';

const NAME = { name: 'bench' };
const CHANNEL = 'messages';
/** Messages that a reader asks for ahead, here and with nats.js alone. */
export const AHEAD = 256;

const reader: ReaderTarget = target(import.meta.url, 'clusterReader', async (port, counts) => {
  const cluster = await Cluster.open(await connect(loginOf(port)), NAME);
  const messages = cluster.reader<Buffer>(CHANNEL, { prefetch: AHEAD });
  await messages.ready;
  const { counted } = countMessages(counts);
  for await (const _ of messages) counted();
});

export const messagesOurs = target(import.meta.url, 'messagesOurs', async (laps: Laps, spec: Messages) => {
  await using server = await startNats();
  const nc = await connect(loginOf(server.port));
  const cluster = await Cluster.open(nc, NAME);
  const writer = cluster.writer<Buffer>(CHANNEL);
  await writer.ready;
  const payload = Buffer.alloc(spec.size, 'x');
  await runMessages(laps, spec, server.port, reader, () => writer.put(payload));
  await cluster[Symbol.asyncDispose]();
  await nc.close();
});
