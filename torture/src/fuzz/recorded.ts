import { aioduplex } from '@aiopipe/core';
import { Channel } from '@aiopipe/codec';

/** Returns the bytes that a channel writes for these messages. Unlike those of `serialize()`, later ones refer to the shapes of earlier ones. */
export async function recorded(values: readonly unknown[]): Promise<Buffer> {
  const [near, far] = aioduplex();
  await using peer = far.open();
  const channel = Channel.from(near);
  const bytes = peer.reader.read();
  for (const value of values) await channel.put(value);
  channel.close();
  return await bytes;
}
