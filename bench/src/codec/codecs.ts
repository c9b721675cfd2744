import { deserialize as v8Deserialize, serialize as v8Serialize } from 'node:v8';
import { deserialize, serialize } from '@aiopipe/codec';
// eslint-disable-next-line no-restricted-imports -- what a channel does with its messages has no public name of its own
import { Decoder, Encoder, Output } from '@aiopipe/codec/internal';
import { Encoder as Cbor } from 'cbor-x';
import { Packr } from 'msgpackr';

/** A value through bytes and back. */
export type RoundTrip = (value: unknown) => unknown;

/** Each makes what one connection has: an encoder on one side, a decoder on the other. */
export const codecs = {
  'aiopipe, in a channel': () => {
    const encoder = new Encoder({ shared: true });
    const decoder = new Decoder();
    const output = new Output();
    return (value) => {
      output.position = 0;
      encoder.encodeInto(output, value);
      return decoder.decode(output.buffer, 0, output.position);
    };
  },
  'aiopipe, serialize()': () => (value) => deserialize(serialize(value)),
  // Without copyBuffers its Buffers are views of the message, which a receiver couldn't reuse.
  'msgpackr, structuredClone, sequential': () => {
    const options = { structuredClone: true, sequential: true, copyBuffers: true };
    const packer = new Packr(options);
    const unpacker = new Packr(options);
    return (value) => unpacker.unpack(packer.pack(value)) as unknown;
  },
  msgpackr: () => {
    const packer = new Packr();
    const unpacker = new Packr();
    return (value) => unpacker.unpack(packer.pack(value)) as unknown;
  },
  'cbor-x': () => {
    const encoder = new Cbor({ structuredClone: true });
    const decoder = new Cbor({ structuredClone: true });
    return (value) => decoder.decode(encoder.encode(value)) as unknown;
  },
  'v8.serialize': () => (value) => v8Deserialize(v8Serialize(value)) as unknown,
  JSON: () => (value) => JSON.parse(Buffer.from(JSON.stringify(value)).toString()) as unknown,
  structuredClone: () => (value) => structuredClone(value),
} satisfies Record<string, () => RoundTrip>;

export type CodecName = keyof typeof codecs;
