import { types } from 'node:util';
import { isHandle } from '@aiopipe/core/internal';
import { errorParts, exceptionParts } from './error-parts.js';
import {
  changed,
  exceptionMessage,
  exceptionName,
  extraKeys,
  flagsOf,
  growsTo,
  isDense,
  isIndex,
  numberTypeOf,
  mapSize,
  memoryOf,
  NOT_SHARED,
  notGenuine,
  pairs,
  setSize,
  sourceOf,
  unboxed,
  whyNot,
} from './encodable.js';
import type { HandleSink } from './handles.js';
import { ERROR_NAMES, errorClassOf, Kind, kindInOtherRealm, kindOfPrototype, viewNumber } from './kinds.js';
import { Passing, Refusal } from './paths.js';
import { type Entry, entryFor } from './registry.js';
import { type EncoderShape, ShapeTable } from './shape-table.js';
import { Short, TableLimit, Tag } from './tags.js';
import { ByteWriter } from './byte-writer.js';

const NOTHING: readonly unknown[] = [];

/**
 * Writes what stands before an object's children on the wire, and says what they are. With that, each kind of object
 * is written in one place, for the recursion and for the explicit stack alike.
 */
export abstract class HeadEncoder extends ByteWriter {
  protected readonly shapes = new ShapeTable();
  protected readonly classes = new Map<string, number>();
  protected sink: HandleSink | undefined;
  /** The position after what `open` wrote. */
  protected opened = 0;

  /** Writes an object's head, and returns the values that follow it. */
  protected open(value: object, pos: number): readonly unknown[] {
    this.reserve(pos, 0);
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype === null) return this.openKeyed(Tag.NullObject, value, pos);
    const kind = kindOfPrototype(prototype);
    if (kind === undefined) return this.#openInstance(value, prototype, pos);
    return this.#openKind(kind, value, pos);
  }

  #openKind(kind: Kind, value: object, pos: number): readonly unknown[] {
    switch (kind) {
      case Kind.Object:
        return this.#openObject(value, pos);
      case Kind.Array:
        if (!Array.isArray(value)) break;
        return this.openArray(value, pos);
      case Kind.NullObject:
        return this.openKeyed(Tag.NullObject, value, pos);
      case Kind.Error: {
        const name = errorClassOf(value);
        return this.#openError(value as Error, name ?? 'Error', pos);
      }
      default:
        return this.#openBuiltin(kind, value, pos);
    }
    throw new Refusal(`an object with the prototype of Array that is not an array cannot be sent`, value);
  }

  #openObject(value: object, pos: number): readonly unknown[] {
    const shape = this.shapes.find(value);
    const head = shape === undefined ? -1 : this.shapeHead(shape, pos);
    if (head < 0) return this.openKeyed(Tag.Object, value, pos);
    this.opened = head;
    const children = Object.values(value);
    if (children.length !== (shape as EncoderShape).keys.length) throw changed(value);
    return children;
  }

  /** Writes the head of an object of this shape; returns -1 if the table has no place for a new shape. */
  protected shapeHead(shape: EncoderShape, pos: number): number {
    this.reserve(pos, 0);
    if (this.shapes.isNumbered(shape)) {
      const id = shape.id;
      if (id >= Short.Shape) return this.tagged(Tag.Shape, id, pos);
      this.buffer[pos] = Tag.ShortShape + id;
      return pos + 1;
    }
    if (this.shapes.isFull) return -1;
    shape.definition ??= this.#define(shape.keys, pos);
    const { definition } = shape;
    this.shapes.add(shape);
    pos = this.tagged(Tag.NewShape, definition.length, pos);
    if (definition.length > 64) return this.raw(definition, pos);
    this.reserve(pos, definition.length);
    const buffer = this.buffer;
    for (let i = 0; i < definition.length; i++) buffer[pos + i] = definition[i] as number;
    return pos + definition.length;
  }

  /** A list of keys as it stands on the wire; `pos` is where there is room to write it in the meantime. */
  #define(keys: readonly string[], pos: number): Uint8Array {
    let end = this.varint(keys.length, pos);
    for (const key of keys) end = this.string(key, end);
    return new Uint8Array(this.buffer.subarray(pos, end));
  }

  protected openKeyed(tag: Tag, value: object, pos: number): readonly unknown[] {
    const keys = Object.keys(value);
    this.opened = this.tagged(tag, keys.length, pos);
    return pairs(value, keys);
  }

  protected openArray(value: readonly unknown[], pos: number): readonly unknown[] {
    const length = value.length;
    const type = length >= Short.Array ? numberTypeOf(value) : undefined;
    if (type !== undefined) {
      this.opened = this.numberArray(value as readonly number[], type, pos);
      return NOTHING;
    }
    if (isDense(value)) {
      this.opened = this.arrayHead(length, pos);
      return value;
    }
    const keys = Object.keys(value);
    this.buffer[pos] = Tag.SparseArray;
    this.opened = this.varint(keys.length, this.varint(length, pos + 1));
    return pairs(value, keys).map((part, i) => (i % 2 === 0 && isIndex(part as string) ? Number(part) : part));
  }

  protected arrayHead(length: number, pos: number): number {
    if (length >= Short.Array) return this.tagged(Tag.Array, length, pos);
    this.buffer[pos] = Tag.ShortArray + length;
    return pos + 1;
  }

  #openBuiltin(kind: Kind, value: object, pos: number): readonly unknown[] {
    // A view's keys are its elements, and to find other keys among them costs too much.
    const keys = kind === Kind.View ? NOTHING : extraKeys(kind, value);
    if (keys.length === 0) return this.#openBare(kind, value, pos);
    const extra = pairs(value, keys as string[]);
    const inner = this.#openBare(kind, value, this.tagged(Tag.WithProperties, keys.length, pos));
    return [...inner, ...extra];
  }

  /** Writes a built-in object without added properties. If this throws, its prototype is wrong. */
  #openBare(kind: Kind, value: object, pos: number): readonly unknown[] {
    try {
      return this.#openGenuine(kind, value, pos);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw notGenuine(value, error);
    }
  }

  #openGenuine(kind: Kind, value: object, pos: number): readonly unknown[] {
    switch (kind) {
      case Kind.Map: {
        this.opened = this.tagged(Tag.Map, mapSize(value), pos);
        const children: unknown[] = [];
        Map.prototype.forEach.call(value, (item, key) => children.push(key, item));
        return children;
      }
      case Kind.Set: {
        this.opened = this.tagged(Tag.Set, setSize(value), pos);
        const children: unknown[] = [];
        Set.prototype.forEach.call(value, (item) => children.push(item));
        return children;
      }
      case Kind.Date:
        this.opened = this.double(Tag.Date, Date.prototype.getTime.call(value), pos);
        return NOTHING;
      case Kind.RegExp: {
        const lastIndex: unknown = (value as RegExp).lastIndex;
        if (typeof lastIndex !== 'number') {
          throw new Refusal('a RegExp whose lastIndex is not a number cannot be sent', value);
        }
        this.buffer[pos] = Tag.RegExp;
        const after = this.string(flagsOf(value), this.string(sourceOf(value), pos + 1));
        this.opened = this.number(lastIndex, after);
        return NOTHING;
      }
      case Kind.Boxed:
        this.buffer[pos] = Tag.Boxed;
        this.opened = pos + 1;
        return [unboxed(value)];
      case Kind.DomException:
        return this.#openDomException(value as DOMException, pos);
      case Kind.ArrayBuffer:
        return this.#openArrayBuffer(value as ArrayBuffer, pos);
      case Kind.View:
        return this.#openView(value as ArrayBufferView, pos);
      case Kind.Url:
        this.buffer[pos] = Tag.Url;
        this.opened = this.string(URL.prototype.toString.call(value), pos + 1);
        return NOTHING;
      default:
        this.buffer[pos] = Tag.UrlSearchParams;
        this.opened = this.string(URLSearchParams.prototype.toString.call(value), pos + 1);
        return NOTHING;
    }
  }

  #openArrayBuffer(value: ArrayBuffer, pos: number): readonly unknown[] {
    // A detached one shows as empty; making a view of it throws.
    const bytes = new Uint8Array(value);
    const most = growsTo(value);
    if (most !== undefined) {
      pos = this.varint(bytes.length, this.tagged(Tag.ResizableArrayBuffer, most, pos));
    } else {
      pos = this.tagged(Tag.ArrayBuffer, bytes.length, pos);
    }
    this.opened = this.raw(bytes, pos);
    return NOTHING;
  }

  #openView(view: ArrayBufferView, pos: number): readonly unknown[] {
    const { buffer, byteOffset, byteLength } = memoryOf(view);
    if (!types.isArrayBuffer(buffer)) {
      throw new Refusal(`a view of a SharedArrayBuffer ${NOT_SHARED}`, view);
    }
    // Many Buffers are slices of a pool, or of what was read from a file or socket: their neighbours stay here.
    if (Buffer.isBuffer(view) && byteLength < buffer.byteLength && !this.isKnown(buffer)) {
      this.opened = this.raw(view, this.tagged(Tag.Buffer, byteLength, pos), byteLength);
      return NOTHING;
    }
    this.buffer[pos] = Tag.View;
    this.buffer[pos + 1] = viewNumber(view);
    this.opened = this.varint(byteLength, this.varint(byteOffset, pos + 2));
    return [buffer];
  }

  /** Whether this object is in the message already, so that a reference to it will do. */
  protected abstract isKnown(value: object): boolean;

  #openError(value: Error, name: string, pos: number): readonly unknown[] {
    const { flags, fields, children } = errorParts(value, name);
    this.buffer[pos] = Tag.Error;
    this.buffer[pos + 1] = ERROR_NAMES.indexOf(name as (typeof ERROR_NAMES)[number]);
    this.buffer[pos + 2] = flags;
    this.opened = this.varint(fields, pos + 3);
    return children;
  }

  #openDomException(value: DOMException, pos: number): readonly unknown[] {
    const name = exceptionName(value);
    const { flags, fields, children } = exceptionParts(value, name);
    this.buffer[pos] = Tag.DomException;
    this.buffer[pos + 1] = flags;
    pos = this.string(exceptionMessage(value), this.string(name, this.varint(fields, pos + 2)));
    this.opened = pos;
    return children;
  }

  /** Writes a handle, an instance of a registered class, an error, or an object of another realm. Refuses all others. */
  #openInstance(value: object, prototype: object, pos: number): readonly unknown[] {
    if (isHandle(value)) return this.#openHandle(value, pos);
    const entry = entryFor(prototype);
    if (entry !== undefined) return this.#openRegistered(entry, value, pos);
    const errorClass = errorClassOf(value);
    if (errorClass !== undefined) return this.#openError(value as Error, errorClass, pos);
    // Node's own sockets do not carry the brand. The test comes here, so that it costs the common values nothing.
    if (this.sink?.isHandle(value) === true) return this.#openHandle(value, pos);
    const kind = kindInOtherRealm(value, prototype);
    if (kind !== undefined) return this.#openKind(kind, value, pos);
    throw new Refusal(whyNot(value), value);
  }

  #openHandle(value: object, pos: number): readonly unknown[] {
    if (this.sink === undefined) {
      throw new Refusal(
        "serialize() cannot move a handle: put it into a message of a channel, or into a child's args",
        value,
      );
    }
    if (!this.sink.isHandle(value)) throw new Refusal('a handle of this kind cannot be sent', value);
    let index: number;
    try {
      index = this.sink.add(value);
    } catch (error) {
      throw error instanceof Refusal ? error : new Passing(error);
    }
    this.opened = this.tagged(Tag.Handle, index, pos);
    return NOTHING;
  }

  #openRegistered(entry: Entry, value: object, pos: number): readonly unknown[] {
    const data = entry.reduce(value);
    const id = this.classes.get(entry.name);
    if (id !== undefined) {
      this.opened = this.tagged(Tag.Class, id, pos);
    } else {
      this.buffer[pos] = Tag.NewClass;
      this.opened = this.string(entry.name, pos + 1);
      if (this.classes.size < TableLimit.Classes) this.classes.set(entry.name, this.classes.size);
    }
    return [data];
  }
}
