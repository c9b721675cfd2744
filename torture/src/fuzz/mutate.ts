import { type World } from '../world.js';

/** Values that use most of the format's tags. */
export const VALUES: readonly unknown[] = [
  { a: 1, b: [1.5, -0, 2n ** 70n], c: 'text', d: 'é漢' },
  new Map<unknown, unknown>([[new Set([1, 'x']), new Date(0)]]),
  [new Error('no', { cause: new RangeError('far') }), /a+/gi, new Float64Array(20), Buffer.from('bytes')],
  Array.from({ length: 30 }, (_, n) => ({ id: n, name: `n${String(n)}` })),
  [Symbol.for('k'), Symbol.iterator, new URL('http://x/y?z'), Object.assign(Array.from({ length: 3 }), { p: 1 })],
];

/** Bytes that are nearly right: some changed, cut, doubled or inserted. */
export function mutated(world: World, bytes: Buffer): Buffer {
  let result = Buffer.from(bytes);
  for (let n = world.between(1, 4); n > 0 && result.length > 0; n--) {
    const at = world.between(0, result.length - 1);
    const kind = world.between(0, 3);
    if (kind === 0) result[at] = world.between(0, 255);
    else if (kind === 1) result = result.subarray(0, at);
    else if (kind === 2) result = Buffer.concat([result.subarray(0, at), result]);
    else result = Buffer.concat([result.subarray(0, at), Buffer.from([world.between(0, 255)]), result.subarray(at)]);
  }
  return result;
}
