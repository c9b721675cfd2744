import { aiopipe, type ReadEnd } from '@aiopipe/core';
import { serialize } from '@aiopipe/codec';
import { type World } from '../world.js';
import { VALUES } from './mutate.js';

/** The kinds of messages: see docs/protocol.md. */
const [CALL, RESULT, ERROR, STREAM, ITEM, CANCEL, CREDIT, RETAIN, RELEASE] = [1, 2, 3, 4, 5, 6, 7, 8, 9] as const;

const METHODS = ['echo', 'late', 'fails', 'asks', 'items', 'reads', 'generators'];

/** Messages of the protocol of calls: most of them right, some with forged ids, and some of wrong forms. */
export class CallGrammar {
  readonly #world: World;
  #id = 0;

  constructor(world: World) {
    this.#world = world;
  }

  message(): unknown {
    const world = this.#world;
    if (world.between(0, 40) === 0)
      return world.pick<unknown>([null, 'call', [], {}, [[]], [10, 1], [{ toString: 1 }, 1], ...VALUES]);
    const kind = world.pick([CALL, CALL, CALL, RESULT, ERROR, STREAM, ITEM, CANCEL, CREDIT, RETAIN, RELEASE]);
    return [kind, this.#idFor(kind), ...this.#rest(kind)].slice(0, world.pick([5, 5, 5, 5, world.between(0, 5)]));
  }

  #rest(kind: number): unknown[] {
    switch (kind) {
      case CALL:
        return [this.#target(), this.#args(), ...this.#functions()];
      case ERROR:
      case CANCEL:
        return [this.#error()];
      case CREDIT:
        return [this.#count()];
      case STREAM:
      case RETAIN:
      case RELEASE:
        return [];
      default:
        return [this.#value()];
    }
  }

  /** The ids of calls ascend. All others are those of calls that there may be. */
  #idFor(kind: number): unknown {
    const world = this.#world;
    if (world.between(0, 60) === 0) return world.pick<unknown>([0, -1, 1.5, 2 ** 53, '1', null, {}, 1n]);
    if (kind === CALL) return (this.#id += world.between(0, 50) === 0 ? world.pick([0, 1000]) : 1);
    return world.between(1, world.between(0, 60) === 0 ? 1e9 : 10);
  }

  #target(): unknown {
    const world = this.#world;
    const odd: unknown[] = [
      'constructor',
      '__proto__',
      'toString',
      'then',
      '#remote',
      '',
      'x'.repeat(5000),
      {},
      null,
      0.5,
    ];
    return world.pick([
      world.pick(METHODS),
      world.pick(METHODS),
      world.pick(METHODS),
      world.between(1, 10),
      world.pick(odd),
    ]);
  }

  #args(): unknown {
    const world = this.#world;
    const arg = () =>
      world.pick<unknown>([
        world.between(0, 100),
        world.between(0, 100),
        'text',
        null,
        {},
        { f: null },
        [],
        this.#value(),
      ]);
    return world.between(0, 60) === 0
      ? world.pick<unknown>([null, {}, 'list', 3])
      : Array.from({ length: world.between(0, 3) }, arg);
  }

  #functions(): unknown[] {
    const world = this.#world;
    if (world.between(0, 3) > 0) return [];
    const place = () =>
      world.pick<unknown>([
        [world.between(0, 1), world.between(1, 10)],
        [world.between(0, 1), world.between(1, 10)],
        [0, 'f', world.between(1, 10)],
        [0, world.pick(['__proto__', 'length', 'constructor']), 1],
        [9, 1],
        world.pick<unknown>([null, [], [0], [-1, 1], [0, 0], ['0', 1], [0, 1, 1]]),
      ]);
    return [
      world.pick<unknown>([
        null,
        Array.from({ length: world.between(0, 2) }, place),
        Array.from({ length: 2000 }, place),
      ]),
    ];
  }

  #error(): unknown {
    const world = this.#world;
    const error = serialize(new RangeError('forged'));
    const cyclic: Record<string, unknown> = { name: 'X', message: 'forged' };
    cyclic['cause'] = cyclic;
    return world.pick<unknown>([
      error,
      error.subarray(1),
      undefined,
      null,
      cyclic,
      { message: {} },
      { fields: { stack: 1 } },
      3,
    ]);
  }

  #count(): unknown {
    const world = this.#world;
    return world.pick<unknown>([world.between(1, 100), world.between(1, 100), 2 ** 40, 0, -1, 'x', undefined]);
  }

  /** Any value; also an end, which the other side must close if it does not want it. */
  #value(): unknown {
    const world = this.#world;
    return world.between(0, 5) === 0 ? anEnd() : world.pick<unknown>([1, 'text', undefined, ...VALUES]);
  }
}

function anEnd(): ReadEnd {
  const [rx, tx] = aiopipe();
  tx.close();
  return rx;
}
