import { types } from 'node:util';
import { reasonOf } from '@aiopipe/core/internal';
import { EncodeError } from '../errors.js';
import type { HandleSink } from './handles.js';
import { changed, mapSize, setSize } from './encodable.js';
import { HeadEncoder } from './encode-heads.js';
import type { Output } from './output.js';
import { describePath, Passing, Refusal, UNREADABLE } from './paths.js';
import { type EncoderShape, ShapePlace } from './shape-table.js';
import { DEFAULT_DEPTH, LONGEST_SYMBOL_KEY, RECURSION_LIMIT, Tag, TableLimit, VERSION } from './tags.js';

/** Up to this many objects, looking through an array is cheaper than a Set. */
const FEW = 32;

const NOTHING: readonly unknown[] = [];

/** An object on the explicit stack, and the values in it. */
interface Frame {
  readonly object: object;
  values: readonly unknown[];
  count: number;
  next: number;
}

/** Fills empty places in the array of objects, so that its elements stay of one kind. */
const NONE: object = Object.freeze({});

const wellKnownSymbols = new Map<symbol, string>(
  Object.getOwnPropertyNames(Symbol)
    .map((name): [unknown, string] => [(Symbol as unknown as Record<string, unknown>)[name], name])
    .filter((pair): pair is [symbol, string] => typeof pair[0] === 'symbol'),
);

/** Turns values into messages of the format that `docs/wire-format.md` describes. */
export class Encoder extends HeadEncoder {
  readonly #shared: boolean;
  /** Whether the next message starts with empty tables, and says so. */
  #fresh = true;
  #busy = false;
  /** The message's first objects, in the order in which they were met: an object's index is its number on the wire. */
  readonly #objects: object[] = [];
  #count = 0;
  /** All objects, once they are more than a few: a Set takes one look-up for what a Map takes two for. */
  #met: Set<object> | undefined;
  /** Their numbers, once one has come again. */
  #numbers: Map<object, number> | undefined;
  /** How many objects are being written, each in the one before. */
  #depth = 0;
  /** The same objects, from the innermost up: noted on the way out of a failed message, as one that is sent needs none. */
  #trail: object[] = [];

  /** @param options.shared keep the tables of shapes and classes from one message to the next */
  constructor(options: { shared?: boolean } = {}) {
    super();
    this.#shared = options.shared ?? false;
  }

  /** The next message starts with empty tables, as if it were the first. */
  reset(): void {
    this.#fresh = true;
  }

  /**
   * Appends one message to `output`.
   *
   * @throws EncodeError if the value holds something that cannot be sent. The output and the tables are restored then.
   *   Errors of `handles` pass through unchanged, after the same restoring.
   */
  encodeInto(output: Output, value: unknown, handles?: HandleSink): void {
    if (this.#busy) {
      throw new EncodeError('value', 'a getter, Proxy or reduce of a message puts another message on the same channel');
    }
    const start = output.position;
    const wasFresh = this.#fresh;
    if (wasFresh || !this.#shared || this.shapes.isFull || this.classes.size >= TableLimit.Classes) {
      this.#fresh = true;
      this.shapes.clear();
      if (this.classes.size > 0) this.classes.clear();
    }
    const shapes = this.shapes.size;
    const classes = this.classes.size;
    this.#busy = true;
    this.sink = handles;
    this.attach(output);
    try {
      this.reserve(start, 1);
      let pos = start;
      if (this.#fresh) this.buffer[pos++] = VERSION;
      output.position = this.#write(value, pos, this.shapes.root);
      this.#fresh = false;
    } catch (error) {
      output.position = start;
      this.shapes.truncate(shapes);
      for (const name of [...this.classes.keys()].slice(classes)) this.classes.delete(name);
      throw this.#explained(error);
    } finally {
      this.#release();
    }
  }

  /** Lets go of the message's objects. */
  #release(): void {
    for (let i = Math.min(this.#count, FEW) - 1; i >= 0; i--) this.#objects[i] = NONE;
    this.#met = undefined;
    this.#numbers = undefined;
    this.#count = 0;
    this.#depth = 0;
    this.sink = undefined;
    this.#busy = false;
  }

  #explained(error: unknown): unknown {
    const ancestors = this.#trail.reverse();
    this.#trail = [];
    if (types.isProxy(error)) return new EncodeError('value', `cannot be read: ${reasonOf(error)}`, { cause: error });
    if (error instanceof Refusal) {
      const options = error.cause === undefined ? undefined : { cause: error.cause };
      return new EncodeError(describePath(ancestors, error.culprit), error.reason, options);
    }
    if (error instanceof Passing) return error.error;
    const reason = `cannot be read: ${reasonOf(error)}`;
    return new EncodeError(describePath(ancestors, UNREADABLE), reason, { cause: error });
  }

  /** @param place - the place of the value in the message: objects at one place tend to have one shape */
  #write(value: unknown, pos: number, place: ShapePlace): number {
    return typeof value === 'object' && value !== null ? this.#object(value, pos, place) : this.#leaf(value, pos);
  }

  #leaf(value: unknown, pos: number): number {
    if (typeof value === 'string') return this.string(value, pos);
    if (pos > this.limit) this.reserve(pos, 0);
    return typeof value === 'number' ? this.number(value, pos) : this.#writeRare(value, pos);
  }

  #writeRare(value: unknown, pos: number): number {
    switch (typeof value) {
      case 'boolean':
        this.buffer[pos] = value ? Tag.True : Tag.False;
        return pos + 1;
      case 'undefined':
        this.buffer[pos] = Tag.Undefined;
        return pos + 1;
      case 'bigint':
        return this.bigint(value, pos);
      case 'symbol':
        return this.#symbol(value, pos);
      case 'function':
        throw new Refusal('a function cannot be sent', value);
      default:
        this.buffer[pos] = Tag.Null;
        return pos + 1;
    }
  }

  #symbol(value: symbol, pos: number): number {
    const key = Symbol.keyFor(value);
    const name = key ?? wellKnownSymbols.get(value);
    if (name === undefined) {
      throw new Refusal(
        `${String(value)} cannot be sent: only symbols made with Symbol.for() exist in other processes`,
        value,
      );
    }
    if (name.length > LONGEST_SYMBOL_KEY) {
      throw new Refusal(
        `a symbol whose key has more than ${String(LONGEST_SYMBOL_KEY)} characters cannot be sent`,
        value,
      );
    }
    this.buffer[pos] = key === undefined ? Tag.WellKnownSymbol : Tag.Symbol;
    return this.string(name, pos + 1);
  }

  #object(value: object, pos: number, place: ShapePlace): number {
    if (pos > this.limit) this.reserve(pos, 0);
    const known = this.#reference(value);
    if (known >= 0) return this.tagged(Tag.Reference, known, pos);
    if (this.#depth >= RECURSION_LIMIT) return this.#writeDeep(value, pos);
    this.#depth++;
    try {
      pos = this.#contents(value, pos, place);
    } catch (error) {
      this.#trail.push(value);
      throw error;
    }
    this.#depth--;
    return pos;
  }

  #contents(value: object, pos: number, place: ShapePlace): number {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) return this.#plain(value as Record<string, unknown>, pos, place);
    if (prototype === Array.prototype && Array.isArray(value)) return this.#array(value, pos, place);
    if (prototype === Map.prototype && Object.keys(value).length === 0)
      return this.#map(value as Map<unknown, unknown>, pos, place);
    if (prototype === Set.prototype && Object.keys(value).length === 0)
      return this.#set(value as Set<unknown>, pos, place);
    return this.#children(this.open(value, pos), this.opened, place);
  }

  #plain(value: Record<string, unknown>, pos: number, place: ShapePlace): number {
    const values = this.#takeAsExpected(value, place) ?? this.#take(value, place);
    const head = values === undefined ? -1 : this.shapeHead(place.first as EncoderShape, pos);
    if (values === undefined || head < 0) {
      return this.#children(this.openKeyed(Tag.Object, value, pos), this.opened, place);
    }
    pos = head;
    const { places } = place.first as EncoderShape;
    for (let i = 0; i < values.length; i++) {
      const item = values[i];
      if (typeof item !== 'object' || item === null) pos = this.#leaf(item, pos);
      else pos = this.#object(item, pos, (places[i] ??= new ShapePlace()));
    }
    return pos;
  }

  /** An object's values, if it has one of the shapes that were met at this place; that shape is `place.first` then. */
  #takeAsExpected(value: Record<string, unknown>, place: ShapePlace): readonly unknown[] | undefined {
    const { first, second } = place;
    if (first === undefined) return undefined;
    const values = takeAs(first, value);
    if (values !== undefined || second === undefined) return values;
    const others = takeAs(second, value);
    if (others !== undefined) place.met(second);
    return others;
  }

  #take(value: Record<string, unknown>, place: ShapePlace): readonly unknown[] | undefined {
    const shape = this.shapes.find(value);
    if (shape === undefined) return undefined;
    const values: unknown[] = [];
    for (const key of shape.keys) {
      const item = value[key];
      if (item === undefined && !Object.hasOwn(value, key)) throw changed(value);
      values.push(item);
    }
    place.met(shape);
    return values;
  }

  #array(value: readonly unknown[], pos: number, place: ShapePlace): number {
    return this.#children(this.openArray(value, pos), this.opened, place);
  }

  #map(value: Map<unknown, unknown>, pos: number, place: ShapePlace): number {
    const size = mapSize(value);
    pos = this.tagged(Tag.Map, size, pos);
    let count = 0;
    for (const [key, item] of value) {
      pos = this.#write(item, this.#write(key, pos, place), place);
      count++;
    }
    if (count !== size) throw changed(value);
    return pos;
  }

  #set(value: Set<unknown>, pos: number, place: ShapePlace): number {
    const size = setSize(value);
    pos = this.tagged(Tag.Set, size, pos);
    let count = 0;
    for (const member of value) {
      pos = this.#write(member, pos, place);
      count++;
    }
    if (count !== size) throw changed(value);
    return pos;
  }

  /** `values` may be an array of the user's own, which a getter in it can change. */
  #children(values: readonly unknown[], pos: number, place: ShapePlace): number {
    const { length } = values;
    for (let i = 0; i < length; i++) pos = this.#write(values[i], pos, place);
    if (values.length !== length) throw changed(values);
    return pos;
  }

  /** The same as `object`, with a stack of its own. */
  #writeDeep(root: object, pos: number): number {
    const pending: Frame[] = [];
    try {
      return this.#writePending(root, pending, pos);
    } catch (error) {
      while (pending.length > 0) this.#trail.push((pending.pop() as Frame).object);
      throw error;
    }
  }

  #writePending(root: object, pending: Frame[], pos: number): number {
    let opening: object | undefined = root;
    for (;;) {
      if (opening !== undefined) {
        const frame = { object: opening, values: NOTHING, count: 0, next: 0 };
        pending.push(frame);
        if (++this.#depth > DEFAULT_DEPTH)
          throw new Refusal(`values nested deeper than ${String(DEFAULT_DEPTH)} levels cannot be sent`, opening);
        frame.values = this.open(opening, pos);
        frame.count = frame.values.length;
        pos = this.opened;
        opening = undefined;
      }
      const top = pending[pending.length - 1] as Frame;
      if (top.next === top.count) {
        if (top.values.length !== top.count) throw changed(top.object);
        pending.pop();
        this.#depth--;
        if (pending.length === 0) return pos;
        continue;
      }
      const value = top.values[top.next++];
      if (typeof value !== 'object' || value === null) {
        pos = this.#leaf(value, pos);
        continue;
      }
      this.reserve(pos, 0);
      const known = this.#reference(value);
      if (known >= 0) pos = this.tagged(Tag.Reference, known, pos);
      else opening = value;
    }
  }

  /** The number of an object that was met before in this message; -1, and a number, for one that wasn't. */
  #reference(value: object): number {
    const count = this.#count;
    const objects = this.#objects;
    if (count < FEW) {
      for (let i = 0; i < count; i++) if (objects[i] === value) return i;
      objects[count] = value;
    } else if (this.#numbers !== undefined) {
      const known = this.#numbers.get(value);
      if (known !== undefined) return known;
      this.#numbers.set(value, count);
    } else {
      const met = (this.#met ??= new Set(objects.slice(0, count)));
      if (met.add(value).size === count) return this.#numbered(value, met);
    }
    this.#count = count + 1;
    return -1;
  }

  /** The first object that comes again makes it worth while to know all numbers. */
  #numbered(value: object, met: Set<object>): number {
    const numbers = (this.#numbers = new Map<object, number>());
    for (const object of met) numbers.set(object, numbers.size);
    return numbers.get(value) as number;
  }

  protected override isKnown(value: object): boolean {
    if (this.#count < FEW) return this.#objects.lastIndexOf(value, this.#count) >= 0;
    return (this.#numbers ?? this.#met)?.has(value) ?? this.#objects.includes(value);
  }
}

/**
 * An object's values, if its keys are those of this shape. A `for in` is several times faster than `Object.keys`, as V8
 * takes both keys and values from the hidden class. The taken values cannot change any more.
 */
function takeAs({ keys }: EncoderShape, value: Record<string, unknown>): readonly unknown[] | undefined {
  const values = new Array<unknown>(keys.length);
  let i = 0;
  for (const key in value) {
    if (!Object.prototype.hasOwnProperty.call(value, key)) continue;
    if (i === keys.length || keys[i] !== key) return undefined;
    values[i++] = value[key];
  }
  return i === keys.length ? values : undefined;
}
