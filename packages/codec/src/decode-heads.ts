import {
  ArrayBuilder,
  BoxBuilder,
  type Builder,
  DecoratedBuilder,
  bareError,
  ErrorBuilder,
  KeyedBuilder,
  MapBuilder,
  SetBuilder,
  ShapedBuilder,
  arrayWithHoles,
  SparseArrayBuilder,
  ViewBuilder,
  withoutStack,
} from './builders.js';
import { DecoderShape, DefinitionCache } from './decoder-shape.js';
import type { HandleSource } from './handles.js';
import { InstanceBuilder, Instances } from './instances.js';
import { ERROR_NAMES } from './kinds.js';
import { Reader } from './reader.js';
import { entryNamed } from './registry.js';
import { Short, TableLimit, Tag } from './tags.js';

/** Up to this many objects, the array of them is kept for the next message. */
const KEPT = 64;

/** A decoder's tables as plain data, for a reader that moves. */
export interface DecoderState {
  readonly shapes: readonly (readonly string[])[];
  readonly shapeBytes: number;
  readonly classes: readonly string[];
  readonly started: boolean;
}

/** Reads leaves, and the heads of containers, with the tables that they refer to. */
export abstract class HeadReader extends Reader {
  protected handles: HandleSource | undefined;
  protected instances = new Instances();
  /** Whether a message that starts with empty tables has come; no other can come before. */
  protected started = false;
  private readonly definitions = new DefinitionCache();
  private shapes: DecoderShape[] = [];
  private shapeBytes = 0;
  private classes: string[] = [];
  /** The message's objects, by their number. */
  private objects: unknown[] = [];
  private count = 0;

  protected clearTables(): void {
    this.started = true;
    if (this.shapes.length > 0) this.shapes = [];
    if (this.classes.length > 0) this.classes = [];
    this.shapeBytes = 0;
  }

  /** The tables as plain data, from which `Decoder.fromState` makes a decoder that goes on in another process. */
  exportState(): DecoderState {
    const { shapeBytes, started } = this;
    return { shapes: this.shapes.map(({ keys }) => [...keys]), shapeBytes, classes: [...this.classes], started };
  }

  protected importState(state: DecoderState): void {
    this.shapes = state.shapes.map((keys) => new DecoderShape(keys));
    this.shapeBytes = state.shapeBytes;
    this.classes = [...state.classes];
    this.started = state.started;
  }

  /** Empties the tables; the next message must stand alone. */
  forget(): void {
    this.clearTables();
    this.started = false;
  }

  /** Lets go of the message's objects. */
  protected release(): void {
    if (!this.instances.isIdle) this.instances = new Instances();
    if (this.count > KEPT) this.objects = [];
    else for (let i = 0; i < this.count; i++) this.objects[i] = undefined;
    this.count = 0;
    this.handles = undefined;
  }

  /** Gives an object the next number. */
  protected note<T>(object: T): T {
    this.objects[this.count++] = object;
    return object;
  }

  private noted<T extends Builder>(builder: T): T {
    builder.id = this.count;
    this.note(builder.target);
    return builder;
  }

  /** What a builder made, which takes its place among the message's objects. */
  protected finished(builder: Builder): unknown {
    const value = builder.finish();
    if (builder.id >= 0) this.objects[builder.id] = value;
    return value;
  }

  private reference(): unknown {
    const number = this.varint();
    if (number >= this.count) throw this.malformed('a reference to an object that is not there yet');
    const object = this.objects[number];
    return object instanceof InstanceBuilder ? this.instances.standInFor(object) : object;
  }

  /** What a tag below `Tag.FirstContainer` stands for. */
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
        return this.uint32();
      case Tag.Negative8:
        return ~this.byte();
      case Tag.Negative16:
        return ~this.uint16();
      case Tag.Negative32:
        return -1 - this.uint32();
      case Tag.Float64:
        return this.double();
      case Tag.BigInt64:
        return this.bigInt64();
      case Tag.BigInt:
        return this.bigint();
      case Tag.Latin1:
        return this.latin1(this.varint());
      case Tag.Utf16:
        return this.utf16();
      case Tag.Reference:
        return this.reference();
      case Tag.Symbol:
        return Symbol.for(this.string());
      case Tag.WellKnownSymbol:
        return this.wellKnownSymbol();
      default:
        return this.note(this.leafObject(tag));
    }
  }

  private wellKnownSymbol(): symbol {
    const name = this.string();
    const symbol: unknown = Object.hasOwn(Symbol, name) ? (Symbol as unknown as Record<string, unknown>)[name] : undefined;
    if (typeof symbol !== 'symbol') throw this.malformed('a well-known symbol that this Node does not know');
    return symbol;
  }

  private leafObject(tag: number): object {
    switch (tag) {
      case Tag.Date:
        return new Date(this.double());
      case Tag.RegExp:
        return this.regExp();
      case Tag.Url:
        return this.made(URL, this.string());
      case Tag.UrlSearchParams:
        return new URLSearchParams(this.string());
      case Tag.ArrayBuffer:
        return this.memory(this.countOf(1)).buffer;
      case Tag.ResizableArrayBuffer:
        return this.resizable();
      case Tag.Buffer: {
        const length = this.countOf(1);
        const at = this.skip(length);
        return Buffer.from(this.bytes.subarray(at, at + length));
      }
      case Tag.Handle: {
        const index = this.varint();
        if (this.handles === undefined) throw this.malformed('a handle, where none can come');
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

  /** A copy of the next bytes, in memory of its own. */
  private memory(length: number): Buffer & { buffer: ArrayBuffer } {
    const at = this.skip(length);
    const copy = Buffer.allocUnsafeSlow(length);
    this.bytes.copy(copy, 0, at, at + length);
    return copy as Buffer & { buffer: ArrayBuffer };
  }

  private resizable(): ArrayBuffer {
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
      throw this.malformed('a resizable ArrayBuffer that cannot be made', error);
    }
  }

  private regExp(): RegExp {
    const source = this.string();
    const flags = this.string();
    const lastIndex = this.number();
    const regExp = this.made(RegExp, source, flags);
    regExp.lastIndex = lastIndex;
    return regExp;
  }

  /** A number that must stand here, with its tag. */
  private number(): number {
    const tag = this.byte();
    if (tag >= Tag.SmallInt && tag < Tag.SmallInt + Short.Int) return tag - Tag.SmallInt;
    if (tag >= Tag.SmallNegative) return Tag.SmallNegative - 1 - tag;
    if (tag >= Tag.Uint8 && tag <= Tag.Float64) return this.leaf(tag) as number;
    throw this.malformed('a number is expected');
  }

  private made<A extends unknown[], T>(Class: new (...args: A) => T, ...args: A): T {
    try {
      return new Class(...args);
    } catch (error) {
      throw this.malformed(`no ${Class.name} can be made of what is there`, error);
    }
  }

  /** Reads the head of a container, whichever tag it has, and numbers it. */
  protected container(tag: number): Builder {
    if (tag >= Tag.ShortShape) return this.shaped(this.shape(tag - Tag.ShortShape));
    if (tag >= Tag.ShortArray) return this.noted(new ArrayBuilder([], this.enough(tag - Tag.ShortArray)));
    switch (tag) {
      case Tag.Object:
        return this.noted(new KeyedBuilder({}, this.countOf(2)));
      case Tag.NullObject:
        return this.noted(new KeyedBuilder(Object.create(null) as object, this.countOf(2)));
      case Tag.NewShape:
        return this.shaped(this.newShape());
      case Tag.Shape:
        return this.shaped(this.shape(this.varint()));
      case Tag.Array:
        return this.noted(new ArrayBuilder([], this.countOf(1)));
      case Tag.SparseArray:
        return this.sparseArray();
      case Tag.Map:
        return this.noted(new MapBuilder(new Map(), this.countOf(2)));
      case Tag.Set:
        return this.noted(new SetBuilder(new Set(), this.countOf(1)));
      case Tag.Boxed:
        return this.noted(new BoxBuilder());
      case Tag.Error:
        return this.error();
      case Tag.DomException:
        return this.domException();
      case Tag.View:
        return this.noted(new ViewBuilder(this.byte(), this.varint(), this.varint()));
      case Tag.NewClass:
        return this.instance(this.newClass());
      case Tag.Class: {
        const name = this.classes[this.varint()];
        if (name === undefined) throw this.malformed('an instance of a class that was not named before');
        return this.instance(name);
      }
      case Tag.WithProperties:
        return new DecoratedBuilder(this.countOf(2));
      default:
        throw this.malformed(`no value begins with 0x${tag.toString(16)}`);
    }
  }

  /** A count that stands in the tag itself, checked as `countOf` checks others. */
  protected enough(count: number): number {
    if (count > this.end - this.position) throw this.malformed('it ends inside an array');
    return count;
  }

  protected shape(number: number): DecoderShape {
    const shape = this.shapes[number];
    if (shape === undefined) throw this.malformed('an object of a shape that was not defined before');
    return shape;
  }

  /** Defines a shape: the length of the definition in bytes, how many keys there are, then each. */
  protected newShape(): DecoderShape {
    const length = this.countOf(1);
    const start = this.position;
    const end = start + length;
    if (this.shapes.length >= TableLimit.Shapes || this.shapeBytes >= TableLimit.ShapeBytes) {
      throw this.malformed('it defines more shapes than a table holds');
    }
    let shape = this.definitions.find(this.bytes, start, end);
    if (shape === undefined) {
      shape = new DecoderShape(this.keys());
      if (this.position !== end) throw this.malformed('the definition of a shape has another length');
      this.definitions.add(this.bytes, start, end, shape);
    }
    this.position = end;
    this.shapeBytes += length;
    this.shapes.push(shape);
    return shape;
  }

  private keys(): string[] {
    const count = this.countOf(1);
    if (count === 0 || count > TableLimit.KeysOfShape) throw this.malformed('a shape has too few or too many keys');
    const keys: string[] = [];
    for (let i = 0; i < count; i++) keys.push(this.string());
    if (new Set(keys).size < count) throw this.malformed('a shape has the same key twice');
    return keys;
  }

  private shaped(shape: DecoderShape): Builder {
    const builder = new ShapedBuilder(shape.isDelicate ? {} : new shape.Create(), shape.keys);
    this.enough(builder.remaining);
    return this.noted(builder);
  }

  private sparseArray(): Builder {
    const length = this.varint();
    const count = this.countOf(2);
    if (length > 0xffffffff) throw this.malformed('no array is as long as that');
    return this.noted(new SparseArrayBuilder(arrayWithHoles(length, count), count));
  }

  private error(): Builder {
    const name = ERROR_NAMES[this.byte()];
    const flags = this.byte();
    const fields = this.countOf(2);
    if (name === undefined) throw this.malformed('an error of an unknown class');
    return this.noted(new ErrorBuilder(bareError(name), flags, fields));
  }

  private domException(): Builder {
    const flags = this.byte();
    const fields = this.countOf(2);
    const name = this.string();
    const exception = withoutStack(() => new DOMException(this.string(), name));
    return this.noted(new ErrorBuilder(exception, flags, fields));
  }

  private newClass(): string {
    const name = this.string();
    if (this.classes.length < TableLimit.Classes) this.classes.push(name);
    return name;
  }

  private instance(name: string): Builder {
    const builder = new InstanceBuilder(name, entryNamed(name), this.instances);
    builder.id = this.count;
    this.note(builder.target ?? builder);
    return builder;
  }
}
