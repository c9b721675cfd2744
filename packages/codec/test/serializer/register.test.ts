/* oxlint-disable typescript/no-extraneous-class */
import { DecodeError, deserialize, EncodeError, register, registerCodec, serialize } from '@aiopipe/codec';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { roundTrip } from './helpers.js';

class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
}
register(Point, { name: 'geo/Point', reduce: (p) => [p.x, p.y] as const, revive: ([x, y]) => new Point(x, y) });

class Money {
  readonly #cents: bigint;
  constructor(cents: bigint) {
    this.#cents = cents;
  }
  get cents(): bigint {
    return this.#cents;
  }
}
register(Money, { name: 'shop/Money', reduce: (m) => m.cents, revive: (cents) => new Money(cents) });

describe('instances of registered classes', () => {
  test('keep class and identity', () => {
    const point = new Point(1, 2);
    const result = roundTrip({ a: point, list: [point], set: new Set([point]) });
    expect(result.a).toBeInstanceOf(Point);
    expect(result.a).toEqual(point);
    expect(result.list[0]).toBe(result.a);
    expect(result.set.has(result.a)).toBe(true);
  });

  test('with private fields and getters alone', () => {
    expect(roundTrip(new Money(2n ** 70n)).cents).toBe(2n ** 70n);
  });

  test('inside of one another', () => {
    class Line {
      constructor(readonly ends: Point[]) {}
    }
    register(Line, { name: 'geo/Line', reduce: (line) => line.ends, revive: (ends) => new Line(ends) });
    const result = roundTrip(new Line([new Point(1, 2), new Point(3, 4)]));
    expect(result).toBeInstanceOf(Line);
    expect(result.ends[1]).toBeInstanceOf(Point);
  });

  test('of classes that extend built-in ones', () => {
    class Stack extends Array<number> {}
    class Tagged extends Map<string, number> {
      tag = '';
    }
    class Failure extends Error {}
    register(Stack, { name: 'Stack', reduce: (s) => [...s], revive: (items) => Stack.from(items) as Stack });
    register(Tagged, {
      name: 'Tagged',
      reduce: (t) => ({ tag: t.tag, entries: new Map(t) }),
      revive: ({ tag, entries }) => Object.assign(new Tagged(entries), { tag }),
    });
    register(Failure, { name: 'Failure', reduce: (f) => f.message, revive: (message) => new Failure(message) });
    expect(roundTrip(Stack.of(1, 2, 3))).toBeInstanceOf(Stack);
    const tagged = roundTrip(Object.assign(new Tagged([['a', 1]]), { tag: 'x' }));
    expect([tagged instanceof Tagged, tagged.tag, tagged.get('a')]).toEqual([true, 'x', 1]);
    expect(roundTrip(new Failure('no'))).toBeInstanceOf(Failure);
  });

  test('of a subclass travel as the nearest registered class', () => {
    class Animal {
      constructor(readonly name: string) {}
    }
    class Dog extends Animal {}
    class Puppy extends Dog {}
    register(Animal, { name: 'Animal', reduce: (a) => a.name, revive: (name) => new Animal(name) });
    expect(Object.getPrototypeOf(roundTrip(new Puppy('p')))).toBe(Animal.prototype);
    register(Dog, { name: 'Dog', reduce: (d) => d.name, revive: (name) => new Dog(name) });
    expect(Object.getPrototypeOf(roundTrip(new Puppy('p')))).toBe(Dog.prototype);
    expect(Object.getPrototypeOf(roundTrip(new Animal('a')))).toBe(Animal.prototype);
  });

  test('a thousand of them name their class once', () => {
    const points = Array.from({ length: 1000 }, (_, i) => new Point(i, -i));
    expect(roundTrip(points)).toEqual(points);
    expect(serialize(points).toString('latin1').split('geo/Point').length).toBe(2);
  });

  test('100,000 deep', () => {
    class Link {
      constructor(readonly next: Link | undefined) {}
    }
    register(Link, { name: 'Link', reduce: (l) => l.next, revive: (next) => new Link(next) });
    let chain: Link | undefined;
    for (let i = 0; i < 100_000; i++) chain = new Link(chain);
    let count = 0;
    for (let link = roundTrip(chain); link !== undefined; link = link.next) count++;
    expect(count).toBe(100_000);
  });
});

describe('cycles through instances', () => {
  class Tree {
    parent: Tree | undefined;
    children: Tree[] = [];
    constructor(readonly name: string) {}
    add(child: Tree): this {
      child.parent = this;
      this.children.push(child);
      return this;
    }
  }
  const { name, parent, children } = { name: 'name', parent: 'parent', children: 'children' } as const;
  register(Tree, {
    name: 'Tree',
    reduce: (t) => ({ [name]: t.name, [parent]: t.parent, [children]: t.children }),
    revive: (data) => Object.assign(new Tree(data.name as string), data),
  });

  test('in public fields', () => {
    const root = new Tree('root').add(new Tree('a').add(new Tree('b'))).add(new Tree('c'));
    const result = roundTrip({ root, list: [root] });
    expect(result.list[0]).toBe(result.root);
    expect(result.root.children[0]?.parent).toBe(result.root);
    expect(result.root.children[0]?.children[0]?.parent).toBe(result.root.children[0]);
    expect(result.root.children[1]?.parent).toBe(result.root);
    expect(result.root).toBeInstanceOf(Tree);
  });

  test('in a message that starts with its innermost instance', () => {
    const root = new Tree('root').add(new Tree('a'));
    const [leaf] = roundTrip([root.children[0] as Tree]);
    expect(leaf?.parent?.children[0]).toBe(leaf);
  });

  test('in maps and sets', () => {
    class Graph {
      constructor(
        readonly edges: Map<string, Graph>,
        readonly all: Set<Graph>,
      ) {}
    }
    register(Graph, {
      name: 'Graph',
      reduce: (g) => [g.edges, g.all] as const,
      revive: ([edges, all]) => new Graph(edges, all),
    });
    const graph = new Graph(new Map(), new Set());
    graph.edges.set('self', graph);
    graph.all.add(graph);
    const result = roundTrip(graph);
    expect(result.edges.get('self')).toBe(result);
    expect(result.all.has(result)).toBe(true);
    expect(result.all.size).toBe(1);
  });

  class Secret {
    #self: Secret | undefined;
    static create(): Secret {
      return new Secret();
    }
    set self(value: Secret | undefined) {
      this.#self = value;
    }
    get self(): Secret | undefined {
      return this.#self;
    }
  }

  test('in private fields, with create', () => {
    register(Secret, {
      name: 'Secret',
      reduce: (s) => ({ self: s.self }),
      create: () => new Secret(),
      revive: (data: { self: Secret | undefined }, secret: Secret) => {
        secret.self = data.self;
      },
    });
    const secret = new Secret();
    secret.self = secret;
    const result = roundTrip([secret])[0] as Secret;
    expect(result).toBeInstanceOf(Secret);
    expect(result.self).toBe(result);
  });

  test('in private fields, without create, are an error that names it', () => {
    class Hidden extends Secret {}
    register(Hidden, {
      name: 'Hidden',
      reduce: (s) => ({ self: s.self }),
      revive: ({ self }) => Object.assign(new Hidden(), { self }),
    });
    const hidden = new Hidden();
    hidden.self = hidden;
    const bytes = serialize(hidden);
    expect(() => deserialize(bytes)).toThrow(/an instance of 'Hidden' refers to itself in its data; .* create/);
  });

  test('a revive that uses the instance that is not there yet gets an error that says so', () => {
    class Eager {
      self: Eager = this;
      readonly label = 'x';
    }
    register(Eager, {
      name: 'Eager',
      reduce: (e) => ({ self: e.self }),
      revive: ({ self }) => Object.assign(new Eager(), { label: self.label }),
    });
    const bytes = serialize(new Eager());
    expect(() => deserialize(bytes)).toThrow(/revive of 'Eager' failed: the instance of 'Eager' is not built yet/);
  });
});

describe('what goes wrong', () => {
  const failure = (bytes: Buffer): DecodeError => {
    try {
      deserialize(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(DecodeError);
      return error as DecodeError;
    }
    throw new Error('it was decoded');
  };

  test('a name that this side lacks', () => {
    const bytes = serialize({ a: new Point(1, 2) });
    const unknown = Buffer.from(bytes.toString('latin1').replace('geo/Point', 'geo/Vague'), 'latin1');
    const error = failure(unknown);
    expect(error.message).toBe(
      "no class is registered as 'geo/Vague' in this process; call register() with this name here, too, as on the side that sent it",
    );
    expect([error.fatal, error.code]).toEqual([false, 'ERR_AIOPIPE_DECODE']);
  });

  test('a revive that throws, with its error as the cause; no revive around it runs', () => {
    const cause = new Error('no such thing');
    let ran = 0;
    class Fragile {}
    class Around {
      constructor(readonly inner: unknown) {}
    }
    register(Fragile, {
      name: 'Fragile',
      reduce: () => 0,
      revive: () => {
        throw cause;
      },
    });
    register(Around, { name: 'Around', reduce: (a) => a.inner, revive: (inner) => (ran++, new Around(inner)) });
    const error = failure(serialize(new Around(new Fragile())));
    expect(error.message).toBe("revive of 'Fragile' failed: no such thing");
    expect([error.cause, error.fatal, ran]).toEqual([cause, false, 0]);
  });

  test('a revive that returns nothing', () => {
    class Nothing {}
    register(Nothing, { name: 'Nothing', reduce: () => 0, revive: () => undefined as unknown as Nothing });
    expect(failure(serialize(new Nothing())).message).toBe("revive of 'Nothing' failed: revive() returned no object");
  });

  test('a reduce that throws', () => {
    class Broken {}
    register(Broken, {
      name: 'Broken',
      reduce: () => {
        throw new Error('cannot');
      },
      revive: () => new Broken(),
    });
    expect(() => serialize([new Broken()])).toThrow(new EncodeError('value[0]', 'cannot be read: cannot'));
  });

  test('a reduced form that cannot be sent', () => {
    class Odd {}
    register(Odd, { name: 'Odd', reduce: () => ({ f: () => 1 }), revive: () => new Odd() });
    expect(() => serialize({ odd: new Odd() })).toThrow('value.odd.reduce().f: a function cannot be sent');
  });

  test('two classes under one name, and one class under two', () => {
    class Other {}
    const parts = { reduce: (): number => 0, revive: (): Other => new Other() };
    expect(() => {
      register(Other, { name: 'geo/Point', ...parts });
    }).toThrow(/the name 'geo\/Point' is taken/);
    register(Other, { name: 'Other', ...parts });
    register(Other, { name: 'Other', ...parts });
    expect(() => {
      register(Other, { name: 'Another', ...parts });
    }).toThrow(/Other is registered already, as 'Other'/);
  });

  test.each<[registration: object, message: string]>([
    [{ name: '' }, "name: expected a string that is not empty, not ''"],
    [{ name: 'x'.repeat(2000) }, 'name: expected at most 256 characters, not 2000'],
    [{ reduce: 5 }, 'reduce: expected a function, not 5'],
    [{ revive: undefined }, 'revive: expected a function, not undefined'],
    [{ create: 'none' }, "create: expected a function, not 'none'"],
  ])('a wrong part is shown: %o', (part, message) => {
    class Wrong {}
    const parts = { name: 'Wrong', reduce: (): number => 0, revive: (): Wrong => new Wrong() };
    expect(() => {
      register(Wrong, { ...parts, ...part });
    }).toThrow(new TypeError(`register(Wrong): ${message}`));
  });

  test.each<[name: string, codec: object, message: string]>([
    ['json', {}, "registerCodec: the name 'json' is built in; choose another name"],
    ['half', { encode: () => Buffer.alloc(0) }, "registerCodec('half'): decode: expected a function, not undefined"],
    ['half', { encode: 1, decode: 1 }, "registerCodec('half'): encode: expected a function, not 1"],
  ])('a wrong codec is shown: %s %o', (name, codec, message) => {
    expect(() => {
      registerCodec(name, codec as never);
    }).toThrow(new TypeError(message));
  });

  test('arguments that are none', () => {
    const parts = { name: 'Valid', reduce: (): number => 0, revive: (): object => ({}) };
    const wrong = (Class: unknown, registration: unknown): void => {
      expect(() => {
        register(Class as typeof Point, registration as never);
      }).toThrow(TypeError);
    };
    wrong({}, parts);
    wrong(() => 1, parts);
    wrong(Map, parts);
    wrong(Object, parts);
    wrong(TypeError, parts);
    wrong(class {}, { ...parts, name: '' });
    wrong(class {}, { ...parts, revive: undefined });
    wrong(class {}, { ...parts, create: 1 });
  });
});

describe('the registry', () => {
  const REGISTRY = Symbol.for('@aiopipe/codec.registry');

  test('is shared by all loaded copies of the package', () => {
    const { byName } = (globalThis as unknown as Record<symbol, { byName: Map<string, unknown> }>)[REGISTRY] as {
      byName: Map<string, unknown>;
    };
    expect(byName.has('geo/Point')).toBe(true);
  });
});

describe('registerCodec', () => {
  const codec = { encode: (value: unknown): Buffer => Buffer.from(String(value)), decode: String };
  let name = '';
  let count = 0;
  beforeEach(() => (name = `codec-${String(count++)}`));
  afterEach(() => (name = ''));

  test('takes the same codec twice, another one not', () => {
    registerCodec(name, codec);
    registerCodec(name, { ...codec });
    expect(() => {
      registerCodec(name, { ...codec, decode: () => 1 });
    }).toThrow(/registered already/);
  });

  test.each([['default'], ['json'], ['']])('refuses the name %j', (reserved) => {
    expect(() => {
      registerCodec(reserved, codec);
    }).toThrow(TypeError);
  });

  test('refuses what is no codec', () => {
    expect(() => {
      registerCodec(name, { encode: codec.encode } as never);
    }).toThrow(TypeError);
  });
});
