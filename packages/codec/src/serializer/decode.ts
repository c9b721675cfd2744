import { asBuffer } from './bytes.js';
import type { Builder } from './builders.js';
import { type DecoderState, HeadDecoder } from './decode-heads.js';
import { checkLimits, type DecodeLimits } from './decode-limits.js';
import { define, type DecoderShape } from './decoder-shape.js';
import { DecodeError } from '../errors.js';
import { Cost, defaultMemory } from './memory-cost.js';
import { DEFAULT_SYMBOLS, SymbolSource } from './known-symbols.js';
import { bucketsFor, MOST_COMPARISONS } from './key-collisions.js';
import type { HandleSource } from './handles.js';
import { arrayFor } from './short-arrays.js';
import { DEFAULT_DEPTH, RECURSION_LIMIT, Short, Tag, VERSION } from './tags.js';

/** Builds the values of messages that an `Encoder` made. */
export class Decoder extends HeadDecoder {
  readonly #maxDepth: number;
  readonly #maxNodes: number;
  readonly #maxBytes: number;
  readonly #maxMemory: number | undefined;
  protected readonly symbols: SymbolSource;
  readonly #recursionLimit: number;
  #busy = false;
  #depth = 0;
  /** How many values the message has said that it holds. */
  #nodes = 0;
  /** How many bytes of heap the rest of the message may take. */
  #memoryLeft = 0;
  #unbuilt: unknown;
  /** How many comparisons of colliding keys the rest of the message may need. */
  #comparisonsLeft = 0;

  constructor(limits: DecodeLimits = {}) {
    super();
    checkLimits(limits);
    this.#maxDepth = limits.depth ?? DEFAULT_DEPTH;
    this.#maxNodes = limits.nodes ?? Number.MAX_SAFE_INTEGER;
    this.#maxBytes = limits.bytes ?? Number.MAX_SAFE_INTEGER;
    this.#maxMemory = limits.memory;
    this.symbols = new SymbolSource(limits.symbols ?? DEFAULT_SYMBOLS);
    this.#recursionLimit = Math.min(RECURSION_LIMIT, this.#maxDepth);
  }

  /** A decoder that goes on where the one that exported this state was. */
  static fromState(state: unknown, limits?: DecodeLimits): Decoder {
    const decoder = new Decoder(limits);
    decoder.importState(state as DecoderState);
    return decoder;
  }

  /**
   * The value of the message between `start` and `end`. Nothing of it is a view of `bytes`.
   *
   * @throws DecodeError `fatal` if the bytes are not a message: the tables are uncertain then. Not fatal if only this
   *   value cannot be built. Errors of `handles` pass through, and are not fatal.
   */
  decode(bytes: Uint8Array, start: number, end: number, handles?: HandleSource): unknown {
    if (this.#busy) throw new DecodeError('a revive() of a message decodes another message of the same channel');
    this.#busy = true;
    this.attach(bytes === this.bytes ? this.bytes : asBuffer(bytes), start, end);
    this.handles = handles;
    this.#unbuilt = undefined;
    this.#depth = 0;
    this.#nodes = 0;
    this.#comparisonsLeft = MOST_COMPARISONS;
    try {
      return this.#message();
    } finally {
      this.release();
      this.#busy = false;
    }
  }

  #message(): unknown {
    const length = this.end - this.position;
    if (length > this.#maxBytes)
      throw this.malformed(
        `its ${String(length)} bytes are over the limit of ${String(this.#maxBytes)} (limits.bytes)`,
      );
    this.#memoryLeft = this.#maxMemory ?? defaultMemory(length);
    const first = this.bytes[this.position];
    if (length > 0 && first === VERSION) {
      this.position++;
      this.clearTables();
    } else if (!this.started) {
      const came = length > 0 ? `0x${String(first?.toString(16)).padStart(2, '0')}` : 'the end';
      throw this.malformed(
        `it must begin with the version byte 0x${VERSION.toString(16)}, not ${came}: both sides must use the same codec`,
      );
    }
    this.spend(1, 0);
    const value = this.read();
    if (this.position !== this.end) throw this.malformed('more bytes follow its value');
    const { instances } = this;
    if (instances.isIdle) return value;
    instances.settle(value);
    if (instances.problem !== undefined) {
      this.#unbuilt = value;
      throw instances.problem.error;
    }
    return value;
  }

  /** Returns once what could be built of the last message, if decode() threw an error that is not fatal. */
  takeUnbuilt(): unknown {
    const value = this.#unbuilt;
    this.#unbuilt = undefined;
    return value;
  }

  protected override spend(nodes: number, bytes: number): void {
    this.#nodes += nodes;
    this.#memoryLeft -= bytes + nodes * Cost.Slot;
    if (this.#nodes > this.#maxNodes || this.#memoryLeft < 0) throw this.#overLimit();
  }

  protected override charge(bytes: number): void {
    if ((this.#memoryLeft -= bytes) < 0) throw this.#overLimit();
  }

  #overLimit(): DecodeError {
    if (this.#nodes > this.#maxNodes)
      return this.malformed(`it holds more values than the limit of ${String(this.#maxNodes)} (limits.nodes)`);
    const limit = this.#maxMemory ?? defaultMemory(Infinity);
    return this.malformed(`its value takes more than ${String(Math.floor(limit))} bytes of memory (limits.memory)`);
  }

  compared(count: number): void {
    if ((this.#comparisonsLeft -= count) < 0) {
      throw this.malformed('too many keys of its Maps and Sets have the same hash as others');
    }
  }

  override forget(): void {
    super.forget();
    this.symbols.fresh = 0;
  }

  /** The next value. */
  read(): unknown {
    const at = this.position;
    if (at >= this.end) throw this.malformed('it ends too early');
    const tag = this.bytes[at] as number;
    this.position = at + 1;
    if (tag < Tag.SmallInt) {
      if (tag < Tag.Object) return this.leaf(tag);
      if (this.#depth < this.#recursionLimit) {
        if (tag === Tag.NewShape) return this.#shapedObject(this.newShape());
        if (tag === Tag.Shape) return this.#shapedObject(this.shape(this.varint()));
        if (tag === Tag.Array) return this.#array(this.countOf(1));
        if (tag === Tag.Object) return this.#keyedObject(this.countOf(2));
        if (tag === Tag.Map) return this.#map(this.countOf(2));
        if (tag === Tag.Set) return this.#set(this.countOf(1));
      }
      return this.#build(this.container(tag));
    }
    if (tag < Tag.ShortLatin1) return tag - Tag.SmallInt;
    if (tag < Tag.ShortLatin1 + Short.Latin1) return this.latin1(tag - Tag.ShortLatin1);
    if (tag >= Tag.SmallNegative) return Tag.SmallNegative - 1 - tag;
    if (tag < Tag.ShortArray) throw this.malformed(`no value begins with 0x${tag.toString(16)}`);
    if (this.#depth >= this.#recursionLimit) return this.#build(this.container(tag));
    if (tag >= Tag.ShortShape) return this.#shapedObject(this.shape(tag - Tag.ShortShape));
    return this.#array(this.enough(tag - Tag.ShortArray));
  }

  #shapedObject(shape: DecoderShape): object {
    const { keys } = shape;
    if (shape.isDelicate) return this.#delicateObject(keys);
    this.spend(keys.length, Cost.Object);
    this.#depth++;
    const object = shape.make(this);
    this.#depth--;
    return object;
  }

  #delicateObject(keys: readonly string[]): object {
    this.spend(keys.length, Cost.Object + keys.length * Cost.HashedProperty);
    const object = this.note({});
    this.#depth++;
    for (const key of keys) define(object, key, this.read());
    this.#depth--;
    return object;
  }

  #keyedObject(count: number): object {
    this.spend(count * 2, Cost.Object + count * Cost.Property);
    const object: Record<string, unknown> = this.note({});
    this.#depth++;
    for (let i = 0; i < count; i++) {
      const key = this.string();
      const value = this.read();
      if (key in Object.prototype) define(object, key, value);
      else object[key] = value;
    }
    this.#depth--;
    return object;
  }

  #array(length: number): unknown[] {
    this.spend(length, Cost.Array);
    const array = this.note(arrayFor(length));
    this.#depth++;
    if (array.length === length) for (let i = 0; i < length; i++) array[i] = this.read();
    else for (let i = 0; i < length; i++) array.push(this.read());
    this.#depth--;
    return array;
  }

  #map(count: number): Map<unknown, unknown> {
    this.spend(count * 2, Cost.Map + count * Cost.MapEntry);
    const map = this.note(new Map<unknown, unknown>());
    const buckets = bucketsFor(count);
    this.#depth++;
    for (let i = 0; i < count; i++) {
      const key = this.read();
      if (buckets !== undefined) this.compared(buckets.add(key));
      map.set(key, this.read());
    }
    this.#depth--;
    return map;
  }

  #set(count: number): Set<unknown> {
    this.spend(count, Cost.Set + count * Cost.SetMember);
    const set = this.note(new Set());
    const buckets = bucketsFor(count);
    this.#depth++;
    for (let i = 0; i < count; i++) {
      const member = this.read();
      if (buckets !== undefined) this.compared(buckets.add(member));
      set.add(member);
    }
    this.#depth--;
    return set;
  }

  /** Reads a container's values. Near the root it uses recursion, which needs no explicit stack. */
  #build(builder: Builder): unknown {
    if (this.#depth >= this.#recursionLimit) return this.#buildDeep(builder);
    this.spend(builder.remaining, builder.cost);
    this.#depth++;
    while (builder.remaining > 0) this.#give(builder, this.read());
    this.#depth--;
    return this.finished(builder);
  }

  #buildDeep(root: Builder): unknown {
    const pending: Builder[] = [];
    let opening: Builder | undefined = root;
    for (;;) {
      if (opening !== undefined) {
        if (++this.#depth > this.#maxDepth)
          throw this.malformed(`it nests deeper than the limit of ${String(this.#maxDepth)} (limits.depth)`);
        this.spend(opening.remaining, opening.cost + Cost.DeepBuilder);
        pending.push(opening);
        opening = undefined;
      }
      const top = pending[pending.length - 1] as Builder;
      if (top.remaining === 0) {
        pending.pop();
        this.#depth--;
        const value = this.finished(top);
        const parent = pending[pending.length - 1];
        if (parent === undefined) return value;
        this.#give(parent, value);
        continue;
      }
      const tag = this.bytes[this.position] as number;
      if (this.position < this.end && isContainer(tag)) {
        this.position++;
        opening = this.container(tag);
      } else {
        this.#give(top, this.read());
      }
    }
  }

  #give(builder: Builder, value: unknown): void {
    builder.remaining--;
    const complaint = builder.add(value);
    if (complaint !== undefined) throw this.malformed(complaint);
  }
}

function isContainer(tag: number): boolean {
  return (tag >= Tag.Object && tag < Tag.SmallInt) || (tag >= Tag.ShortArray && tag < Tag.SmallNegative);
}
