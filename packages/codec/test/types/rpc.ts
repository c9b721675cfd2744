// The compiler checks this file (`npm run typecheck`); nothing here is called.
import { expectTypeOf } from 'vitest';
import {
  callSignal,
  channel,
  expose,
  proxy,
  retain,
  type Channel,
  type Exposed,
  type Remote,
  type StandardSchema,
} from '@aiopipe/codec';

interface Rows {
  readonly user: { readonly name: string };
  readonly order: { readonly total: number };
}

class Service {
  readonly name = 'a field';
  #secret = 1;
  add(a: number, b: number): number {
    return a + b + this.#secret;
  }
  async later(text: string, times?: number): Promise<string> {
    return Promise.resolve(text.repeat(times ?? 1));
  }
  maybe(): number | Promise<string> {
    return 1;
  }
  fail(): never {
    throw new Error();
  }
  nothing(): void {
    // Nothing.
  }
  *list(): Generator<number, string> {
    yield 1;
    return 'end';
  }
  async *watch(_from: number): AsyncGenerator<string, void> {
    yield await Promise.resolve('item');
  }
  async open(): Promise<AsyncGenerator<number, void>> {
    return Promise.resolve(this.#items());
  }
  async *#items(): AsyncGenerator<number, void> {
    yield await Promise.resolve(1);
  }
  entries(): IterableIterator<[string, number]> {
    return new Map<string, number>().entries();
  }
  // Overloads and type parameters of functions that return promises or generators stay as they are.
  async get<Key extends keyof Rows>(key: Key, id: number): Promise<Rows[Key]>;
  async get(key: 'count'): Promise<number>;
  async get(_key: string): Promise<never> {
    return Promise.reject(new Error());
  }
  async *all<Key extends keyof Rows>(_key: Key): AsyncGenerator<Rows[Key], void> {
    // Nothing.
  }
  // Others: up to four overloads; a type parameter becomes its constraint.
  parse(text: string): number;
  parse(text: string, radix: 'big'): bigint;
  parse(): number | bigint {
    return 1;
  }
  same<T extends string>(value: T): T {
    return value;
  }
  then(): void {
    // Never a method.
  }
  toString(): string {
    return '';
  }
  [Symbol.dispose](): void {
    // Never a method.
  }
}

declare const end: Channel<number, string>;
const remote = proxy<Service>(end);
expectTypeOf(remote).toEqualTypeOf<Remote<Service>>();

expectTypeOf(remote.add(1, 2)).toEqualTypeOf<Promise<number>>();
expectTypeOf(remote.later('x')).toEqualTypeOf<Promise<string>>();
expectTypeOf(remote.later('x', 2)).toEqualTypeOf<Promise<string>>();
expectTypeOf(remote.maybe()).toEqualTypeOf<Promise<number | string>>();
expectTypeOf(remote.fail()).toEqualTypeOf<Promise<never>>();
expectTypeOf(remote.nothing()).toEqualTypeOf<Promise<void>>();
expectTypeOf(remote.list()).toEqualTypeOf<AsyncGenerator<number, string, undefined>>();
expectTypeOf(remote.watch(1)).toEqualTypeOf<AsyncGenerator<string, void>>();
for await (const item of remote.watch(1)) expectTypeOf(item).toEqualTypeOf<string>();
for await (const item of await remote.open()) expectTypeOf(item).toEqualTypeOf<number>();
for await (const item of remote.entries()) expectTypeOf(item).toEqualTypeOf<[string, number]>();

expectTypeOf(remote.get('user', 1)).toEqualTypeOf<Promise<Rows['user']>>();
expectTypeOf(remote.get('order', 1)).resolves.toEqualTypeOf<Rows['order']>();
expectTypeOf(remote.get('count')).toEqualTypeOf<Promise<number>>();
for await (const row of remote.all('order')) expectTypeOf(row).toEqualTypeOf<Rows['order']>();
expectTypeOf(remote.parse('1')).toEqualTypeOf<Promise<number>>();
expectTypeOf(remote.parse('1', 'big')).toEqualTypeOf<Promise<bigint>>();
expectTypeOf(remote.same('x')).toEqualTypeOf<Promise<string>>();

// A call with a signal and a timeout has the same type.
const signal = AbortSignal.timeout(5);
expectTypeOf(remote.add.with({ signal, timeout: 5 })(1, 2)).toEqualTypeOf<Promise<number>>();
expectTypeOf(remote.get.with({ timeout: 5 })('user', 1)).toEqualTypeOf<Promise<Rows['user']>>();
expectTypeOf(remote.watch.with({ signal })(1)).toEqualTypeOf<AsyncGenerator<string, void>>();

// An object, not only a class; an interface, too.
const counter = {
  count: 0,
  add(n: number) {
    return (this.count += n);
  },
};
expectTypeOf(proxy<typeof counter>(end).add(1)).toEqualTypeOf<Promise<number>>();
interface Api {
  ask(question: string): Promise<boolean>;
  optional?: (n: number) => number;
}
expectTypeOf(proxy<Api>(end).ask('x')).toEqualTypeOf<Promise<boolean>>();

expectTypeOf(expose(end, counter)).toEqualTypeOf<Exposed>();
expectTypeOf(expose(channel({ duplex: true })[0], new Service(), { maxCalls: 5 }).closed).toEqualTypeOf<
  Promise<void>
>();
expectTypeOf(callSignal()).toEqualTypeOf<AbortSignal>();
const listener = retain((n: number) => Promise.resolve(n));
expectTypeOf(listener(1)).toEqualTypeOf<Promise<number>>();
expectTypeOf(listener).toExtend<Disposable>();
declare const schema: StandardSchema<number>;
proxy<typeof counter>(end, { schemas: { add: schema }, window: 4, maxFunctions: 5 });

// @ts-expect-error -- a wrong argument
void remote.add('1', 2);
// @ts-expect-error -- a misspelt method
void remote.ad(1, 2);
// @ts-expect-error -- a field is no method
void remote.name;
// @ts-expect-error -- a proxy is no promise
void remote.then();
// @ts-expect-error -- no member of Object.prototype is a method
void (remote.toString satisfies () => Promise<string>);
// @ts-expect-error -- no symbol is
void remote[Symbol.dispose];
// @ts-expect-error -- methods cannot be replaced
remote.add = () => Promise.resolve(1);
// @ts-expect-error -- a misspelt option
void remote.add.with({ timout: 5 });
// @ts-expect-error -- a misspelt option
expose(end, counter, { maxcalls: 5 });
// @ts-expect-error -- a channel reader cannot send calls
proxy<Service>(channel()[0]);
// @ts-expect-error -- no function
retain({});
