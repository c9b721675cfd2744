import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';

/** Returns how many messages and chunks of objects the streams of a server have, if any: `{ aiopipe_held_tasks: 2 }`. */
export async function storedMessages(nc: NatsConnection): Promise<Record<string, number>> {
  const jsm = await jetstreamManager(nc);
  const found: Record<string, number> = {};
  for await (const { config, state } of jsm.streams.list()) {
    if (state.messages > 0) found[config.name] = state.messages;
  }
  return found;
}

/** Returns the streams of a server that have messages, and how many: `aiopipe_held_tasks: 2`. Objects do not count. */
export async function messagesLeft(nc: NatsConnection): Promise<string[]> {
  const stored = Object.entries(await storedMessages(nc)).filter(([name]) => !name.startsWith('OBJ_'));
  return stored.map(([name, count]) => `${name}: ${String(count)}`);
}
