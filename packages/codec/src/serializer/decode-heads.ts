import {
  ArrayBuilder,
  BoxBuilder,
  type Builder,
  DecoratedBuilder,
  bareDomException,
  bareError,
  ErrorBuilder,
  KeyedBuilder,
  MapBuilder,
  SetBuilder,
  ShapedBuilder,
  arrayWithHoles,
  SparseArrayBuilder,
  ViewBuilder,
} from './builders.js';
import { DecoderShape, DefinitionCache } from './decoder-shape.js';
import { LeafDecoder } from './decode-leaves.js';
import { InstanceBuilder } from './instances.js';
import { type ComparisonCounter } from './key-collisions.js';
import { ERROR_NAMES } from './kinds.js';
import { Cost } from './memory-cost.js';
import { entryNamed } from './registry.js';
import { TableLimit, Tag } from './tags.js';

/** A decoder's tables as plain data, for a reader that moves. */
export interface DecoderState {
  readonly shapes: readonly (readonly string[])[];
  readonly shapeBytes: number;
  readonly classes: readonly string[];
  readonly started: boolean;
}

/** Reads the heads of containers, with the tables that they refer to. */
export abstract class HeadDecoder extends LeafDecoder implements ComparisonCounter {
  /** Whether a message that starts with empty tables has come; no other can come before. */
  protected started = false;
  readonly #definitions = new DefinitionCache();
  #shapes: DecoderShape[] = [];
  #shapeCount = 0;
  #shapeBytes = 0;
  #classes: string[] = [];

  abstract compared(count: number): void;

  protected clearTables(): void {
    this.started = true;
    this.#shapeCount = 0;
    if (this.#classes.length > 0) this.#classes = [];
    this.#shapeBytes = 0;
  }

  /** The tables as plain data, from which `Decoder.fromState` makes a decoder that goes on in another process. */
  exportState(): DecoderState {
    const { started } = this;
    const shapeBytes = this.#shapeBytes;
    return {
      shapes: this.#shapes.slice(0, this.#shapeCount).map(({ keys }) => [...keys]),
      shapeBytes,
      classes: [...this.#classes],
      started,
    };
  }

  protected importState(state: DecoderState): void {
    checkState(state);
    this.#shapes = state.shapes.map((keys) => new DecoderShape(keys));
    this.#shapeCount = this.#shapes.length;
    this.#shapeBytes = state.shapeBytes;
    this.#classes = [...state.classes];
    this.started = state.started;
  }

  /** Empties the tables; the next message must stand alone. */
  forget(): void {
    this.clearTables();
    this.started = false;
    this.detach();
  }

  /** Reads the head of a container, whichever tag it has, and numbers it. */
  protected container(tag: number): Builder {
    if (tag >= Tag.ShortShape) return this.#shaped(this.shape(tag - Tag.ShortShape));
    if (tag >= Tag.ShortArray) return this.noted(new ArrayBuilder([], this.enough(tag - Tag.ShortArray)));
    switch (tag) {
      case Tag.Object:
        return this.noted(new KeyedBuilder({}, this.countOf(2), Cost.Object));
      case Tag.NullObject:
        return this.noted(new KeyedBuilder(Object.create(null) as object, this.countOf(2), Cost.NullObject));
      case Tag.NewShape:
        return this.#shaped(this.newShape());
      case Tag.Shape:
        return this.#shaped(this.shape(this.varint()));
      case Tag.Array:
        return this.noted(new ArrayBuilder([], this.countOf(1)));
      case Tag.SparseArray:
        return this.#sparseArray();
      case Tag.Map:
        return this.noted(new MapBuilder(new Map(), this.countOf(2), this));
      case Tag.Set:
        return this.noted(new SetBuilder(new Set(), this.countOf(1), this));
      case Tag.Boxed:
        return this.noted(new BoxBuilder());
      case Tag.Error:
        return this.#error();
      case Tag.DomException:
        return this.#domException();
      case Tag.View:
        return this.noted(new ViewBuilder(this.byte(), this.varint(), this.varint()));
      case Tag.NewClass:
        return this.#instance(this.#newClass());
      case Tag.Class: {
        const name = this.#classes[this.varint()];
        if (name === undefined) throw this.malformed('an instance refers to a class that was not defined before');
        return this.#instance(name);
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
    if (number >= this.#shapeCount) throw this.malformed('an object refers to a shape that was not defined before');
    return this.#shapes[number] as DecoderShape;
  }

  /** Defines a shape: the length of the definition in bytes, how many keys there are, then each. */
  protected newShape(): DecoderShape {
    const length = this.countOf(1);
    const start = this.position;
    const end = start + length;
    if (this.#shapeCount >= TableLimit.Shapes || this.#shapeBytes >= TableLimit.ShapeBytes) {
      throw this.malformed('it defines more shapes than a table holds');
    }
    if (length > TableLimit.DefinitionBytes) throw this.malformed('the definition of a shape is too long');
    let shape = this.#definitions.find(this.bytes, start, end);
    if (shape === undefined) {
      shape = new DecoderShape(this.#keys());
      if (this.position !== end) throw this.malformed('the definition of a shape has another length');
      this.#definitions.add(this.bytes, start, end, shape);
    }
    this.position = end;
    this.#shapeBytes += length;
    this.#shapes[this.#shapeCount++] = shape;
    return shape;
  }

  #keys(): string[] {
    const count = this.countOf(1);
    if (count === 0 || count > TableLimit.KeysOfShape) throw this.malformed('a shape has too few or too many keys');
    const keys: string[] = [];
    for (let i = 0; i < count; i++) keys.push(this.string());
    if (new Set(keys).size < count) throw this.malformed('a shape has the same key twice');
    return keys;
  }

  #shaped(shape: DecoderShape): Builder {
    const builder = new ShapedBuilder(shape.isDelicate ? {} : new shape.Create(), shape.keys);
    this.enough(builder.remaining);
    return this.noted(builder);
  }

  #sparseArray(): Builder {
    const length = this.varint();
    const count = this.countOf(2);
    if (length > 0xffffffff) throw this.malformed('the length of an array is over 2^32 - 1');
    return this.noted(new SparseArrayBuilder(arrayWithHoles(length, count), count));
  }

  #error(): Builder {
    const name = ERROR_NAMES[this.byte()];
    const flags = this.byte();
    const fields = this.countOf(2);
    if (name === undefined) throw this.malformed('an error has an unknown class');
    return this.noted(new ErrorBuilder(bareError(name), flags, fields));
  }

  #domException(): Builder {
    const flags = this.byte();
    const fields = this.countOf(2);
    const name = this.string();
    return this.noted(new ErrorBuilder(bareDomException(this.string(), name), flags, fields));
  }

  #newClass(): string {
    const name = this.string();
    if (name.length > TableLimit.ClassName) throw this.malformed('the name of a class is too long');
    if (this.#classes.length < TableLimit.Classes) this.#classes.push(name);
    return name;
  }

  #instance(name: string): Builder {
    const builder = new InstanceBuilder(name, entryNamed(name), this.instances);
    return this.noted(builder, builder.target ?? builder);
  }
}

/** Another process says what the tables are, which may be of another mind: throws TypeError for what no decoder's can be. */
function checkState(state: Partial<DecoderState> | null): asserts state is DecoderState {
  const { shapes, shapeBytes, classes, started } = state ?? {};
  const isRight =
    isListOf(shapes, TableLimit.Shapes, isKeyList) &&
    isListOf(classes, TableLimit.Classes, (name) => isText(name, TableLimit.ClassName)) &&
    Number.isInteger(shapeBytes) &&
    (shapeBytes as number) >= 0 &&
    typeof started === 'boolean';
  if (!isRight) throw new TypeError('the tables of a channel that moved here are malformed');
}

function isKeyList(keys: unknown): boolean {
  if (!isListOf(keys, TableLimit.KeysOfShape, (key) => isText(key, TableLimit.DefinitionBytes))) return false;
  const list = keys as readonly string[];
  const characters = list.reduce((sum, key) => sum + key.length, 0);
  return list.length > 0 && characters <= TableLimit.DefinitionBytes && new Set(list).size === list.length;
}

function isText(value: unknown, longest: number): boolean {
  return typeof value === 'string' && value.length <= longest;
}

function isListOf(value: unknown, most: number, isRight: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length <= most && (value as unknown[]).every(isRight);
}
