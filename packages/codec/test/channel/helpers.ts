import { Channel, ChannelReader, ChannelWriter, serialize, type ChannelOptions } from '@aiopipe/codec';
import { aioduplex, type DuplexEnd } from '@aiopipe/core';
import { isPending, readFrom, writeTo } from '@aiopipe/testing';

export { errorOf, isPending, thrownBy, turns, type Failure } from '@aiopipe/testing';

/** A frame as it stands on the wire. */
export function frameOf(payload: string | Uint8Array): Buffer {
  const bytes = Buffer.from(payload as string);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(bytes.length);
  return Buffer.concat([header, bytes]);
}

/** A message with one handle for each description, as a hostile peer may write it. */
export function messageOf(...descriptions: unknown[]): Buffer {
  const list = serialize(descriptions);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(list.length);
  const handles = Buffer.from(descriptions.flatMap((_, i) => [0x1a, i]));
  return frameOf(Buffer.concat([Buffer.of(0xa2, 0xa1, 0xb0 + descriptions.length), handles, list, length]));
}

/** A reader, and the raw end that feeds it: bytes are there when `feed` has returned. */
export function readerAndTap(options?: ChannelOptions): {
  reader: ChannelReader;
  tap: DuplexEnd;
  feed(bytes: Uint8Array): void;
} {
  const [one, tap] = aioduplex({ bufferSize: 1 << 20 });
  return { reader: ChannelReader.from(one, options), tap, feed: feeder(tap) };
}

/** The same with a channel that can answer. */
export function channelAndTap(options?: ChannelOptions): {
  channel: Channel;
  tap: DuplexEnd;
  feed(bytes: Uint8Array): void;
} {
  const [one, tap] = aioduplex({ bufferSize: 1 << 20 });
  return { channel: Channel.from(one, options), tap, feed: feeder(tap) };
}

function feeder(tap: DuplexEnd): (bytes: Uint8Array) => void {
  return (bytes) => {
    for (let at = 0; at < bytes.length;) at += writeTo(tap.fd, bytes.subarray(at));
  };
}

/** Puts until the pipe is full; `waiting` is the first put that has to wait. */
export async function fill(writer: ChannelWriter | Channel, message: unknown): Promise<{ waiting: Promise<void> }> {
  for (;;) {
    const waiting = writer.put(message);
    if (await isPending(waiting)) return { waiting };
  }
}

/** Takes a number of messages, and forgets them. */
export async function takeMany(reader: ChannelReader | Channel, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await reader.get();
}

/** The bytes on the wire of these messages, one after the other on one channel, frame by frame. */
export async function wireOf(...messages: unknown[]): Promise<Buffer[]> {
  const [one, other] = aioduplex({ bufferSize: 1 << 20 });
  const writer = ChannelWriter.from(one);
  const frames: Buffer[] = [];
  for (const message of messages) {
    await writer.put(message);
    const bytes = Buffer.alloc(1 << 20);
    frames.push(bytes.subarray(0, readFrom(other.fd, bytes)));
  }
  writer.close();
  other.close();
  return frames;
}

/** The same bytes with one text in the place of another, as long as it. */
export function patched(bytes: Buffer, from: string, to: string): Buffer {
  const at = bytes.indexOf(from);
  if (at < 0 || from.length !== to.length) throw new Error(`no ${from} to replace`);
  const copy = Buffer.from(bytes);
  copy.write(to, at, 'latin1');
  return copy;
}
