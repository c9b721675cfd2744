/** A list of keys, and how objects with them are made. */
export class DecoderShape {
  /**
   * Makes an empty plain object. Each shape has a function of its own, and V8 keeps a hidden class for what each makes:
   * with room for its properties in the object itself, and found at once when they are added.
   */
  readonly Create: new () => Record<string, unknown>;
  /** Whether assigning to some key would do something else than add a property: `__proto__`, and what is inherited. */
  readonly isDelicate: boolean;

  constructor(readonly keys: readonly string[]) {
    this.Create = function () {} as unknown as new () => Record<string, unknown>;
    this.Create.prototype = Object.prototype;
    this.isDelicate = keys.some((key) => key in Object.prototype);
  }
}

/** Adds a property as data, whatever the key is; false where the object has one of this key that can't be replaced. */
export function define(object: object, key: string, value: unknown): boolean {
  return Reflect.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

const SLOTS = 256;
/** A definition longer than this, in bytes, isn't kept. */
const LONGEST = 512;

/**
 * Shapes by the bytes that define them: a definition that comes again (in the next one-shot message, or after a reset)
 * needn't be read again.
 */
export class DefinitionCache {
  private readonly slots = new Array<{ bytes: Uint8Array; shape: DecoderShape } | undefined>(SLOTS);

  find(bytes: Uint8Array, start: number, end: number): DecoderShape | undefined {
    const length = end - start;
    if (length > LONGEST) return undefined;
    const found = this.slots[hash(bytes, start, end)];
    if (found === undefined || found.bytes.length !== length) return undefined;
    const known = found.bytes;
    for (let i = 0; i < length; i++) if (known[i] !== bytes[start + i]) return undefined;
    return found.shape;
  }

  add(bytes: Uint8Array, start: number, end: number, shape: DecoderShape): void {
    if (end - start > LONGEST) return;
    this.slots[hash(bytes, start, end)] = { bytes: Uint8Array.prototype.slice.call(bytes, start, end), shape };
  }
}

/** A few bytes of the definition do: the rest is compared. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  const middle = bytes[(start + end) >> 1] as number;
  const h = (end - start) * 31 + middle * 7 + (bytes[start + 2] as number) * 5 + (bytes[end - 1] as number);
  return (h ^ (h >> 8)) & (SLOTS - 1);
}
