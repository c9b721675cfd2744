import { target } from '@aiopipe/process';
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy } from '@nats-io/jetstream';
import { connect, nuid } from '@nats-io/transport-node';
import { type Laps } from '../harness/laps.js';
import { AHEAD } from './messages-ours.js';
import { loginOf, startNats } from './services.js';
import { countMessages, runMessages, type Messages, type ReaderTarget } from './work.js';

const STREAM = 'messages';

const reader: ReaderTarget = target(import.meta.url, 'jetstreamReader', async (port, counts) => {
  const nc = await connect(loginOf(port));
  const consumer = await jetstream(nc).consumers.get(STREAM, STREAM);
  const { counted } = countMessages(counts);
  for await (const message of await consumer.consume({ max_messages: AHEAD })) {
    message.ack();
    counted();
  }
});

/** nats.js alone: the same stream, the same acknowledgements, and ids for duplicates as ours. */
export const messagesJetStream = target(import.meta.url, 'messagesJetStream', async (laps: Laps, spec: Messages) => {
  await using server = await startNats();
  const nc = await connect(loginOf(server.port));
  const manager = await jetstreamManager(nc);
  await manager.streams.add({ name: STREAM, subjects: [STREAM], retention: RetentionPolicy.Workqueue });
  await manager.consumers.add(STREAM, {
    durable_name: STREAM,
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: 100_000,
  });
  const js = jetstream(nc);
  const payload = Buffer.alloc(spec.size, 'x');
  await runMessages(laps, spec, server.port, reader, () => js.publish(STREAM, payload, { msgID: nuid.next() }));
  await nc.close();
});
