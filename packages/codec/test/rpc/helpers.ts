import { setTimeout as delay } from 'node:timers/promises';
import { channel, expose, proxy, registerCodec, type Channel, type ChannelOptions } from '@aiopipe/codec';

export { errorOf, isPending, thrownBy, turns, type Failure } from '@aiopipe/testing';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value));
const decode = (bytes: Buffer) => JSON.parse(bytes.toString()) as unknown;
registerCodec('rpc-test', { encode, decode });

/** Every kind of codec that a channel with calls can have. */
export const codecs: readonly (readonly [name: string, options: ChannelOptions])[] = [
  ['the serializer', {}],
  ['json', { encoder: 'json', decoder: 'json' }],
  ['functions', { encoder: encode, decoder: decode }],
  ['a registered codec', { encoder: 'rpc-test', decoder: 'rpc-test' }],
];

/** Both ends of a channel, for the time of `use`. */
export async function withPair(
  use: (here: Channel, there: Channel) => Promise<void>,
  options: ChannelOptions = {},
): Promise<void> {
  const [here, there] = channel({ ...options, duplex: true });
  try {
    await use(here, there);
  } finally {
    here[Symbol.dispose]();
    there[Symbol.dispose]();
  }
}

/** The messages as a peer in another language would number them: see docs/protocol.md. */
export const [CALL, RESULT, ERROR, STREAM, ITEM, CANCEL, CREDIT, RETAIN, RELEASE] = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/** A promise, and the function that resolves it. */
export function gate<T = void>(): { readonly promise: Promise<T>; readonly open: (value: T) => void } {
  let open!: (value: T) => void;
  const promise = new Promise<T>((resolve) => (open = resolve));
  return { promise, open };
}

/** For the error of a test that would wait for ever. */
export async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  const late = new AbortController();
  const tooLate = delay(5000, undefined, { signal: late.signal, ref: false }).then(() => {
    throw new Error(`waited 5 s for ${what}`);
  });
  tooLate.catch(() => undefined);
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    late.abort();
  }
}

/** What the victim of {@link withVictim} exposes and calls. */
export interface Api {
  one(): number;
  wait(): Promise<void>;
  watch(): AsyncGenerator<number>;
}

/** One end of ours that both serves and calls, and the raw other end. */
export async function withVictim(
  use: (
    raw: Channel,
    victim: { remote: ReturnType<typeof proxy<Api>>; closed: Promise<void>; channel: Channel },
  ) => Promise<void>,
  options: Parameters<typeof expose>[2] = {},
): Promise<void> {
  await withPair(async (raw, there) => {
    const { promise, open } = gate();
    const { closed } = expose(
      there,
      {
        one: () => 1,
        wait: () => promise,
        *watch() {
          yield 1;
        },
      },
      options,
    );
    await use(raw, { remote: proxy<Api>(there), closed, channel: there });
    open();
  });
}
