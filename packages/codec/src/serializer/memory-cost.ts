/* oxlint-disable typescript/no-duplicate-enum-values -- two kinds may take the same */

/**
 * Bytes of heap that a value takes, beside the values in it: measured on Node 20 (V8 11.3) as what is left after a
 * collection, with the value's entry in the decoder's table of objects. The true figures differ by a quarter at most.
 */
export const enum Cost {
  /** The place of a value in its array, object, Map or Set. */
  Slot = 8,
  String = 24,
  /** A number that is no small integer, in an object. */
  HeapNumber = 16,
  BigInt = 24,
  Object = 56,
  /** A property of an object that came with its keys, beyond its slot: its hidden class or its place in a hash table. */
  Property = 16,
  NullObject = 200,
  /** A property of an object that is a hash table, beyond its slot. */
  HashedProperty = 40,
  Array = 40,
  SparseArray = 192,
  Map = 192,
  MapEntry = 32,
  Set = 160,
  SetMember = 24,
  Date = 112,
  RegExp = 72,
  Url = 256,
  UrlSearchParams = 240,
  SearchCharacter = 16,
  ArrayBuffer = 240,
  Buffer = 192,
  View = 192,
  Box = 40,
  Error = 300,
  Instance = 120,
  Decorated = 64,
  /** A container below the level to which plain recursion goes: its builder, and its place on the explicit stack. */
  DeepBuilder = 120,
}

/** A shorter message cannot take much: at 100 bytes a byte, 6 MB. */
const HARMLESS = 64 * 1024;
/** More than it can take, and still a small integer, which V8 counts fastest. */
const NO_LIMIT = 0x3fffffff;

let half: number | undefined;

/**
 * The limit of a message of so many bytes, if none was given: half of what V8 lets this thread's heap grow to
 * (`--max-old-space-size`). What is over it would very likely end the process.
 */
export function defaultMemory(messageLength: number): number {
  if (messageLength <= HARMLESS) return NO_LIMIT;
  half ??= Math.floor(process.getBuiltinModule('node:v8').getHeapStatistics().heap_size_limit / 2);
  return half;
}
