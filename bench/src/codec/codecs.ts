import { deserialize as v8Deserialize, serialize as v8Serialize } from 'node:v8';
import { deserialize, serialize } from '@aiopipe/codec';
// oxlint-disable-next-line no-restricted-imports -- what a channel does with its messages has no public name of its own
import { Decoder, Encoder, Output } from '@aiopipe/codec/internal';
import { Encoder as Cbor } from 'cbor-x';
import { Packr } from 'msgpackr';

/** A value through bytes and back. */
export type RoundTrip = (value: unknown) => unknown;

/** Otherwise the Buffers that they decode are views of the message, and what it lies in couldn't take the next one. */
const copying = { copyBuffers: true };

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
  'msgpackr, structuredClone, sequential': () => {
    const options = { ...copying, structuredClone: true, sequential: true };
    const packer = new Packr(options);
    const unpacker = new Packr(options);
    return (value) => unpacker.unpack(packer.pack(value)) as unknown;
  },
  msgpackr: () => {
    const packer = new Packr(copying);
    const unpacker = new Packr(copying);
    return (value) => unpacker.unpack(packer.pack(value)) as unknown;
  },
  'cbor-x': () => {
    const options = { ...copying, structuredClone: true };
    const encoder = new Cbor(options);
    const decoder = new Cbor(options);
    return (value) => decoder.decode(encoder.encode(value)) as unknown;
  },
  'v8.serialize': () => (value) => v8Deserialize(v8Serialize(value)) as unknown,
  JSON: () => (value) => JSON.parse(Buffer.from(JSON.stringify(value)).toString()) as unknown,
  structuredClone: () => (value) => structuredClone(value),
} satisfies Record<string, () => RoundTrip>;

export type CodecName = keyof typeof codecs;
