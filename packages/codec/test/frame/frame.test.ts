import { DEFAULT_MAX_FRAME_LENGTH, FrameDecoder, FrameEncoder, FrameTooLongError } from '@aiopipe/codec';
import { IncompleteReadError } from '@aiopipe/core';
import { describe, expect, test } from 'vitest';

const payloads = [Buffer.from('first'), Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(300, 7), Buffer.alloc(0)];
const encoder = new FrameEncoder();
const stream = Buffer.concat(payloads.map((payload) => encoder.encode(payload)));

function decode(chunks: Iterable<Uint8Array>): Buffer[] {
  const decoder = new FrameDecoder();
  const frames: Buffer[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (const payload of decoder) frames.push(Buffer.from(payload));
  }
  decoder.end();
  return frames;
}

test('a frame is a big-endian length of 4 bytes, then the payload', () => {
  expect(encoder.encode(Buffer.from('abc')).toString('hex')).toBe('00000003616263');
  expect(encoder.header(0x01020304).toString('hex')).toBe('01020304');
});

test('what is no bytes is a TypeError, not taken for others', () => {
  for (const bytes of ['abc', new Uint16Array([1, 300]), new ArrayBuffer(3), [1, 2]]) {
    expect(() => encoder.encode(bytes as never)).toThrow(TypeError);
    expect(() => {
      new FrameDecoder().push(bytes as never);
    }).toThrow(TypeError);
  }
});

describe('frames that arrive', () => {
  test('many in one piece', () => {
    expect(decode([stream])).toEqual(payloads);
  });

  test('one byte at a time', () => {
    expect(decode([...stream].map((byte) => Uint8Array.of(byte)))).toEqual(payloads);
  });

  test('cut in two, at every point', () => {
    for (let at = 0; at <= stream.length; at++) {
      expect(decode([stream.subarray(0, at), stream.subarray(at)])).toEqual(payloads);
    }
  });

  test('cut in three, at every two points', () => {
    const short = stream.subarray(0, 30);
    const whole = decode([stream.subarray(0, 18)]);
    for (let a = 0; a <= 18; a++) {
      for (let b = a; b <= 18; b++) {
        expect(decode([short.subarray(0, a), short.subarray(a, b), short.subarray(b, 18)])).toEqual(whole);
      }
    }
  });

  test('in pieces of every size', () => {
    for (let size = 1; size < 40; size++) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
      expect(decode(chunks)).toEqual(payloads);
    }
  });

  test('all pushed before any is taken', () => {
    const decoder = new FrameDecoder();
    for (const byte of stream) decoder.push(Uint8Array.of(byte));
    expect([...decoder]).toEqual(payloads);
    expect(decoder.next()).toBeUndefined();
  });

  test('whose bytes are used again after each push, and their payloads stay as they are', () => {
    const decoder = new FrameDecoder();
    const scratch = Buffer.alloc(3);
    const frames: Buffer[] = [];
    for (let at = 0; at < stream.length; at += 3) {
      const size = stream.copy(scratch, 0, at, at + 3);
      decoder.push(scratch.subarray(0, size));
      for (const payload of decoder) frames.push(payload);
      scratch.fill(0xee);
    }
    expect(frames).toEqual(payloads);
  });

  test('as one large frame in very many pieces, in linear time', () => {
    const large = Buffer.alloc(64 << 20, 1);
    const decoder = new FrameDecoder();
    decoder.push(encoder.header(large.length));
    const started = performance.now();
    let frame: Buffer | undefined;
    for (let at = 0; at < large.length; at += 1024) {
      decoder.push(large.subarray(at, at + 1024));
      frame = decoder.next();
    }
    expect(frame?.equals(large)).toBe(true);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('maxFrameLength', () => {
  test('is 256 MiB by default', () => {
    expect(DEFAULT_MAX_FRAME_LENGTH).toBe(2 ** 28);
    expect(new FrameDecoder().maxFrameLength).toBe(2 ** 28);
    expect(() => encoder.header(2 ** 28)).not.toThrow();
    expect(() => encoder.header(2 ** 28 + 1)).toThrow(FrameTooLongError);
  });

  test('refuses a header at once, and everything after it', () => {
    const decoder = new FrameDecoder({ maxFrameLength: 10 });
    decoder.push(Buffer.from('0000000a', 'hex'));
    expect(decoder.next()).toBeUndefined();
    decoder.push(Buffer.alloc(10));
    expect(decoder.next()?.length).toBe(10);
    decoder.push(Buffer.from('ffffffff', 'hex'));
    const refused = expect.objectContaining({
      name: 'FrameTooLongError',
      code: 'ERR_AIOPIPE_FRAME_TOO_LONG',
      length: 0xffffffff,
      maxFrameLength: 10,
    });
    expect(() => decoder.next()).toThrow(refused);
    decoder.push(encoder.encode(Buffer.from('x')));
    expect(() => decoder.next()).toThrow(refused);
  });

  test('refuses a payload that is too long to send', () => {
    expect(() => new FrameEncoder({ maxFrameLength: 2 }).encode(Buffer.alloc(3))).toThrow(
      'a frame of 3 bytes is over the limit of 2 bytes; send less at once, or raise maxFrameLength on both sides',
    );
  });

  test('bytes of another protocol: the error doubts that they are frames', () => {
    const decoder = new FrameDecoder();
    decoder.push(Buffer.from('GET / HTTP/1.1\r\n'));
    expect(() => decoder.next()).toThrow(
      /^a frame of 1195725856 bytes is over .* on both sides, if the peer sends frames at all$/,
    );
  });

  test.each([
    ['text', "'text'"],
    [new ArrayBuffer(2), 'ArrayBuffer'],
  ])('what is no Uint8Array is shown: %o', (bytes, shown) => {
    const message = (call: string) => `${call}: expected a Buffer or another Uint8Array, not ${shown}`;
    expect(() => {
      new FrameDecoder().push(bytes as never);
    }).toThrow(message('push'));
    expect(() => new FrameEncoder().encode(bytes as never)).toThrow(message('encode'));
  });

  test.each([-1, 1.5, NaN, 2 ** 32, '10'])('cannot be %s', (maxFrameLength) => {
    expect(() => new FrameDecoder({ maxFrameLength: maxFrameLength as number })).toThrow(TypeError);
  });

  test('a header that promises much takes no memory for it', () => {
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 100 }, () => {
      const decoder = new FrameDecoder();
      decoder.push(encoder.header(2 ** 28));
      decoder.push(Buffer.alloc(10));
      expect(decoder.next()).toBeUndefined();
      return decoder;
    });
    expect(decoders.length).toBe(100);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
  });
});

describe('a stream that ends', () => {
  const ended = (bytes: Uint8Array): unknown => {
    const decoder = new FrameDecoder();
    decoder.push(bytes);
    for (const payload of decoder) void payload;
    try {
      decoder.end();
    } catch (error) {
      return error;
    }
    return undefined;
  };

  test('between frames, is whole', () => {
    expect(ended(stream)).toBeUndefined();
    expect(ended(Buffer.alloc(0))).toBeUndefined();
  });

  test("inside a frame's header", () => {
    for (const size of [1, 2, 3]) {
      expect(ended(stream.subarray(0, size))).toBeInstanceOf(IncompleteReadError);
    }
  });

  test('inside a payload, has the part that came', () => {
    const error = ended(stream.subarray(0, 7)) as IncompleteReadError;
    expect(error).toBeInstanceOf(IncompleteReadError);
    expect([error.partial.toString(), error.expected]).toEqual(['fir', 5]);
  });
});
