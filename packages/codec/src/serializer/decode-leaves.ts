import type { Builder } from './builders.js';
import type { HandleSource } from './handles.js';
import { InstanceBuilder, Instances } from './instances.js';
import { type SymbolSource } from './known-symbols.js';
import { Cost } from './memory-cost.js';
import { ByteReader } from './byte-reader.js';
import { NumberType, Short, Tag } from './tags.js';

/** Up to this many objects, the array of them is kept for the next message. */
const KEPT = 64;

/** Reads the values that hold no others, and keeps the message's objects by their numbers. */
export abstract class LeafDecoder extends ByteReader {
  protected handles: HandleSource | undefined;
  protected instances = new Instances();
  #objects: unknown[] = [];
  #count = 0;

  /** Lets go of the message's objects. */
  protected release(): void {
    if (!this.instances.isIdle) this.instances = new Instances();
    if (this.#count > KEPT) this.#objects = [];
    else for (let i = 0; i < this.#count; i++) this.#objects[i] = undefined;
    this.#count = 0;
    this.handles = undefined;
  }

  /** Gives an object the next number. */
  note<T>(object: T): T {
    this.#objects[this.#count++] = object;
    return object;
  }

  /** Gives a builder's object the next number. References to it get `target` until it is finished. */
  protected noted<T extends Builder>(builder: T, target: unknown = builder.target): T {
    builder.id = this.#count;
    this.note(target);
    return builder;
  }

  /** Returns the value that a builder made, and puts it at its place among the message's objects. */
  protected finished(builder: Builder): unknown {
    const value = builder.finish();
    if (builder.id >= 0) this.#objects[builder.id] = value;
    return value;
  }

  #reference(): unknown {
    const number = this.varint();
    if (number >= this.#count) throw this.malformed('it refers to an object that it has not defined yet');
    const object = this.#objects[number];
    return object instanceof InstanceBuilder ? this.instances.standInFor(object) : object;
  }

  /** Reads the value of a tag below `Tag.Object`. */
  protected leaf(tag: number): unknown {
    switch (tag) {
      case Tag.Undefined:
        return undefined;
      case Tag.Null:
        return null;
      case Tag.True:
        return true;
      case Tag.False:
        return false;
      case Tag.Uint8:
        return this.byte();
      case Tag.Uint16:
        return this.uint16();
      case Tag.Uint32:
        this.charge(Cost.HeapNumber);
        return this.uint32();
      case Tag.Negative8:
        return ~this.byte();
      case Tag.Negative16:
        return ~this.uint16();
      case Tag.Negative32:
        this.charge(Cost.HeapNumber);
        return -1 - this.uint32();
      case Tag.Float64:
        this.charge(Cost.HeapNumber);
        return this.double();
      case Tag.BigInt64:
        this.charge(Cost.BigInt);
        return this.bigInt64();
      case Tag.BigInt:
        return this.bigint();
      case Tag.Latin1:
        return this.latin1(this.varint());
      case Tag.Utf16:
        return this.utf16();
      case Tag.Reference:
        return this.#reference();
      case Tag.Symbol:
        return this.#symbol();
      case Tag.WellKnownSymbol:
        return this.#wellKnownSymbol();
      default:
        return this.note(this.#leafObject(tag));
    }
  }

  #symbol(): symbol {
    const symbol = this.symbols.get(this.string());
    if (typeof symbol === 'string') throw this.malformed(symbol);
    return symbol;
  }

  #wellKnownSymbol(): symbol {
    const name = this.string();
    const symbol: unknown = Object.hasOwn(Symbol, name)
      ? (Symbol as unknown as Record<string, unknown>)[name]
      : undefined;
    if (typeof symbol !== 'symbol') throw this.malformed('this Node does not have the well-known symbol');
    return symbol;
  }

  #leafObject(tag: number): object {
    switch (tag) {
      case Tag.Date:
        this.charge(Cost.Date);
        return new Date(this.double());
      case Tag.RegExp:
        return this.#regExp();
      case Tag.Url:
        this.charge(Cost.Url);
        return this.#made(URL, this.string());
      case Tag.UrlSearchParams: {
        const text = this.string();
        this.charge(Cost.UrlSearchParams + text.length * Cost.SearchCharacter);
        return new URLSearchParams(text);
      }
      case Tag.ArrayBuffer:
        this.charge(Cost.ArrayBuffer);
        return this.#memory(this.countOf(1)).buffer;
      case Tag.ResizableArrayBuffer:
        return this.#resizable();
      case Tag.Buffer: {
        const length = this.countOf(1);
        const at = this.skip(length);
        this.charge(Cost.Buffer);
        return Buffer.from(this.bytes.subarray(at, at + length));
      }
      case Tag.Numbers:
        return this.#numbers();
      case Tag.Handle: {
        const index = this.varint();
        this.charge(Cost.Object);
        if (this.handles === undefined) throw this.malformed('it has a handle, but this decoder takes none');
        try {
          return this.handles.take(index);
        } catch (error) {
          // To be thrown when the message has been read to its end.
          return this.instances.fail(error) as unknown as object;
        }
      }
      default:
        throw this.malformed(`no value begins with 0x${tag.toString(16).padStart(2, '0')}`);
    }
  }

  #numbers(): number[] {
    const type: NumberType = this.byte();
    const width = widthOf(type);
    if (width === 0) throw this.malformed('an array has numbers of an unknown type');
    const length = this.countOf(width);
    this.spend(length, Cost.Array);
    const at = this.skip(length * width);
    const end = at + length * width;
    const view = this.dataView();
    const array: number[] = [];
    switch (type) {
      case NumberType.Int8:
        for (let i = at; i < end; i++) array.push(view.getInt8(i));
        return array;
      case NumberType.Int16:
        for (let i = at; i < end; i += 2) array.push(view.getInt16(i, true));
        return array;
      case NumberType.Int32:
        for (let i = at; i < end; i += 4) array.push(view.getInt32(i, true));
        return array;
      default:
        for (let i = at; i < end; i += 8) array.push(view.getFloat64(i, true));
        return array;
    }
  }

  /** Counts values against the limit, each with its slot, and the bytes that they take beside. */
  protected abstract spend(nodes: number, bytes: number): void;

  protected abstract readonly symbols: SymbolSource;

  /** A copy of the next bytes, in memory of its own. */
  #memory(length: number): Buffer & { buffer: ArrayBuffer } {
    const at = this.skip(length);
    const copy = Buffer.allocUnsafeSlow(length);
    this.bytes.copy(copy, 0, at, at + length);
    return copy as Buffer & { buffer: ArrayBuffer };
  }

  #resizable(): ArrayBuffer {
    this.charge(Cost.ArrayBuffer);
    const maxByteLength = this.varint();
    const length = this.countOf(1);
    const at = this.skip(length);
    try {
      // Memory for the most it can grow to is reserved, not taken.
      const Resizable = ArrayBuffer as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
      const buffer = new Resizable(length, { maxByteLength });
      new Uint8Array(buffer).set(this.bytes.subarray(at, at + length));
      return buffer;
    } catch (error) {
      throw this.malformed('a resizable ArrayBuffer could not be made', error);
    }
  }

  #regExp(): RegExp {
    this.charge(Cost.RegExp);
    const source = this.string();
    const flags = this.string();
    const lastIndex = this.#number();
    const regExp = this.#made(RegExp, source, flags);
    regExp.lastIndex = lastIndex;
    return regExp;
  }

  /** A number that must stand here, with its tag. */
  #number(): number {
    const tag = this.byte();
    if (tag >= Tag.SmallInt && tag < Tag.SmallInt + Short.Int) return tag - Tag.SmallInt;
    if (tag >= Tag.SmallNegative) return Tag.SmallNegative - 1 - tag;
    if (tag >= Tag.Uint8 && tag <= Tag.Float64) return this.leaf(tag) as number;
    throw this.malformed('a number is expected');
  }

  #made<A extends unknown[], T>(Class: new (...args: A) => T, ...args: A): T {
    try {
      return new Class(...args);
    } catch (error) {
      throw this.malformed(`its data is not a valid ${Class.name}`, error);
    }
  }
}

/** The bytes of an element; 0 for an unknown type. */
function widthOf(type: NumberType): number {
  switch (type) {
    case NumberType.Int8:
      return 1;
    case NumberType.Int16:
      return 2;
    case NumberType.Int32:
      return 4;
    case NumberType.Float64:
      return 8;
    default:
      return 0;
  }
}
