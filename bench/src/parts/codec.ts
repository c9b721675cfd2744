import { type CodecName, codecs } from '../codec/codecs.js';
import { type Payload, payloadsOf } from '../codec/payloads.js';
import { roundTrips } from '../codec/round-trips.js';
import { inProcess } from '../harness/laps.js';
import { type Part, type Peer, type Row } from '../harness/part.js';

const [ours, ...peers] = Object.keys(codecs) as [CodecName, ...CodecName[]];

const lost = [
  'v8.serialize: names and own properties of errors, null prototypes; a Buffer that it decodes is a view of the message',
  'msgpackr: -0, stacks and own properties of errors, holes, properties of arrays, null prototypes, lone surrogates; without structuredClone also identity',
  'cbor-x: what msgpackr loses, errors, ArrayBuffers and cycles through a Map',
];

export const codec: Part = {
  title: 'Encoding and decoding a value',
  prepare() {
    const seed = Number(process.env['BENCH_SEED'] ?? Math.floor(Math.random() * 1e6));
    return Promise.resolve({
      rows: payloadsOf(seed).map((payload, index) => payloadRow(payload, index, seed)),
      notes: [`BENCH_SEED=${String(seed)} draws the same values again`, ...lost.map((line) => `lost by ${line}`)],
    });
  },
};

function payloadRow(payload: Payload, index: number, seed: number): Row {
  const open = (name: CodecName) => () => inProcess(roundTrips, { codec: name, payload: index, seed });
  return {
    name: payload.name,
    measure: { kind: 'time', unit: 'round trip' },
    ours: { name: ours, open: open(ours) },
    peers: peers.map((name): Peer => ({ name, open: open(name), goal: payload.goals?.[name] })),
  };
}
