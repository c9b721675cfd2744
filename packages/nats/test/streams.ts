import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';

/** Returns the streams of a server that have messages, and how many: `aiopipe_held_tasks: 2`. Objects do not count. */
export async function messagesLeft(nc: NatsConnection): Promise<string[]> {
  const jsm = await jetstreamManager(nc);
  const names: string[] = [];
  for await (const { config, state } of jsm.streams.list()) {
    if (!config.name.startsWith('OBJ_') && state.messages > 0) names.push(`${config.name}: ${String(state.messages)}`);
  }
  return names;
}
