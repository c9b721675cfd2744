import { isDeepStrictEqual } from 'node:util';
import {
  DecodeError,
  deserialize,
  EncodeError,
  FrameDecoder,
  FrameTooLongError,
  register,
  serialize,
} from '@aiopipe/codec';
import { Decoder } from '@aiopipe/codec/internal';
import { AiopipeError } from '@aiopipe/core';

const MAX_FRAME = 100_000;
const LIMITS = { memory: 20_000_000 };

class Point {
  constructor(readonly x: unknown) {}
}
class Loop {
  self: unknown;
}
register(Point, { name: 'torture/Point', reduce: ({ x }) => x, revive: (x) => new Point(x) });
register(Loop, {
  name: 'torture/Loop',
  reduce: ({ self }) => self,
  create: () => new Loop(),
  revive: (self, loop) => Object.assign(loop as Loop, { self }),
});

/** Decodes a peer's stream of bytes with all decoders. Returns their faults. */
export function judge(stream: Buffer, split: number): string | undefined {
  const whole = frames(stream, stream.length);
  const parts = frames(stream, split);
  if (whole.end !== parts.end || Buffer.compare(Buffer.concat(whole.payloads), Buffer.concat(parts.payloads)) !== 0)
    return `frames differ if the stream is cut at ${String(split)}: ${whole.end}, ${parts.end}`;
  if (!['whole', 'ERR_AIOPIPE_INCOMPLETE_READ', 'ERR_AIOPIPE_FRAME_TOO_LONG'].includes(whole.end))
    return `frames: ${whole.end}`;
  // With the tables of the messages before, as a channel has them, and each alone.
  const decoder = new Decoder(LIMITS);
  let isOver = false;
  for (const payload of whole.payloads) {
    const wrong =
      (isOver
        ? undefined
        : decoded(
            () => decoder.decode(payload, 0, payload.length),
            (fatal) => (isOver = fatal),
          )) ??
      decoded(() => {
        again(deserialize(payload, { limits: LIMITS }));
      });
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function frames(stream: Buffer, split: number): { payloads: Buffer[]; end: string } {
  const decoder = new FrameDecoder({ maxFrameLength: MAX_FRAME });
  const payloads: Buffer[] = [];
  try {
    for (const part of [stream.subarray(0, split), stream.subarray(split)]) {
      decoder.push(part);
      for (const payload of decoder) payloads.push(payload);
    }
    decoder.end();
    return { payloads, end: 'whole' };
  } catch (error) {
    const isOurs = error instanceof AiopipeError || error instanceof FrameTooLongError;
    return { payloads, end: isOurs ? error.code : String((error as Error).stack) };
  }
}

function decoded(run: () => unknown, onError?: (fatal: boolean) => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!(error instanceof DecodeError)) return `decoding: ${String((error as Error).stack)}`;
    onError?.(error.fatal);
    return undefined;
  }
}

/** If a decoded value can be encoded, it must decode to the same value again. */
function again(value: unknown): void {
  let once: Buffer;
  try {
    once = serialize(value);
  } catch (error) {
    // A hostile message can make an object that no honest one does.
    if (error instanceof EncodeError) return;
    throw error;
  }
  const copy = deserialize(once);
  const twice = serialize(copy);
  if (once.equals(twice)) return;
  // A Buffer that was a part of larger memory has memory of its own when it was decoded, and goes as the view of that.
  if (isDeepStrictEqual(value, copy)) return;
  throw new Error(`a value changes: ${once.toString('hex')}, ${twice.toString('hex')}`);
}
