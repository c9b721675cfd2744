import { Packr, Unpackr } from 'msgpackr';
import { type Exchange } from './exchange.js';

interface SocketCodec {
  encode(message: unknown): Uint8Array;
  decode(payload: Buffer): unknown;
}

/** msgpackr at its fastest: shapes are sent once a connection. Bytes go as they are. */
export function socketCodec({ shape }: Exchange): SocketCodec {
  if (shape === 'bytes') return { encode: (message) => message as Uint8Array, decode: (payload) => payload };
  const packr = new Packr({ sequential: true });
  const unpackr = new Unpackr({ sequential: true });
  return { encode: (message) => packr.pack(message), decode: (payload) => unpackr.unpack(payload) as unknown };
}
