/**
 * V8 hashes numbers and BigInts without a secret (`ComputeUnseededHash`, `ComputeLongHash` in `src/utils/utils.h`): anyone can
 * choose keys that all fall into one bucket of a Map or Set. Each new key is then compared with all that are there: 80,000
 * such numbers, 400 kB, took 8 s on Node 20. The hashes of strings have a secret, and those of objects are random.
 */

/** Up to this many keys, a Map or Set takes no time that counts. */
const FEW_KEYS = 256;
/** Keys of one bucket that are not counted: chance puts as many there. */
const BY_CHANCE = 16;
/** How many comparisons with colliding keys one message may need: about 100 ms. */
export const MOST_COMPARISONS = 10_000_000;

/** The buckets for a Map or Set of so many keys; undefined if they are few. */
export function bucketsFor(keys: number): KeyBuckets | undefined {
  return keys > FEW_KEYS ? new KeyBuckets(keys) : undefined;
}

/** Takes note of comparisons of keys, and throws if a message needs too many. */
export interface ComparisonCounter {
  compared(count: number): void;
}

/** How the keys of one Map or Set fall into V8's buckets. */
export class KeyBuckets {
  readonly #depths: Uint16Array;
  readonly #mask: number;

  /** @param keys - how many keys there will be */
  constructor(keys: number) {
    // Two keys a bucket, and a power of two of them (`OrderedHashTable::kLoadFactor`).
    const buckets = 2 ** Math.max(1, Math.ceil(Math.log2(keys)) - 1);
    this.#depths = new Uint16Array(buckets);
    this.#mask = buckets - 1;
  }

  /** Notes a key; returns how many others it is compared with, beyond chance. */
  add(key: unknown): number {
    const hash = typeof key === 'number' ? hashOfNumber(key) : typeof key === 'bigint' ? hashOfBigInt(key) : -1;
    if (hash < 0) return 0;
    const bucket = hash & this.#mask;
    const depth = (this.#depths[bucket] as number) + 1;
    this.#depths[bucket] = depth;
    return depth > BY_CHANCE ? depth : 0;
  }
}

const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);
const [LOW, HIGH] = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? [0, 1] : [1, 0];

function hashOfNumber(key: number): number {
  if ((key | 0) === key) return hash32(key | 0);
  double[0] = key;
  return hash64(halves[HIGH] as number, halves[LOW] as number);
}

/** Only the lowest 64 bits of the magnitude count. */
function hashOfBigInt(key: bigint): number {
  const low = BigInt.asUintN(64, key < 0n ? -key : key);
  return hash64(Number(low >> 32n), Number(low & 0xffffffffn));
}

function hash32(key: number): number {
  let hash = (~key + (key << 15)) | 0;
  hash ^= hash >>> 12;
  hash = (hash + (hash << 2)) | 0;
  hash ^= hash >>> 4;
  hash = Math.imul(hash, 2057);
  hash ^= hash >>> 16;
  return hash & 0x3fffffff;
}

/** The same of 64 bits, in two halves. */
function hash64(high: number, low: number): number {
  // key = ~key + (key << 18)
  let sum = (~low >>> 0) + ((low << 18) >>> 0);
  let h = (~high + ((high << 18) | (low >>> 14)) + carry(sum)) | 0;
  let l = sum | 0;
  // key ^= key >> 31
  l ^= (l >>> 31) | (h << 1);
  h ^= h >>> 31;
  // key *= 21
  sum = (l >>> 0) * 21;
  h = (Math.imul(h, 21) + carry(sum)) | 0;
  l = sum | 0;
  // key ^= key >> 11
  l ^= (l >>> 11) | (h << 21);
  h ^= h >>> 11;
  // key += key << 6
  sum = (l >>> 0) + ((l << 6) >>> 0);
  h = (h + ((h << 6) | (l >>> 26)) + carry(sum)) | 0;
  l = sum | 0;
  // key ^= key >> 22
  l ^= (l >>> 22) | (h << 10);
  return l & 0x3fffffff;
}

function carry(sum: number): number {
  return Math.floor(sum / 0x100000000);
}
