import { type WaitOptions } from '@aiopipe/core';
import { type AnyFunction } from './methods.js';

/** The names that no method of a proxy has. */
type Reserved = 'then' | 'toJSON' | '__proto__' | keyof typeof Object.prototype;

/**
 * The object on this side that {@link proxy} returns: the methods of `T`, each as {@link RemoteMethod}.
 *
 * @example
 * ```ts
 * import { channel, expose, proxy, type Remote } from '@aiopipe/codec';
 *
 * const math = { half: (n: number) => n / 2 };
 * const print = async (remote: Remote<typeof math>) => console.log(await remote.half(9));
 * const [here, there] = channel({ duplex: true });
 * expose(there, math);
 * await print(proxy<typeof math>(here));
 * here.close();
 * there.close();
 * ```
 * ```text
 * 4.5
 * ```
 */
export type Remote<T> = {
  readonly [
    Name in keyof T as Name extends string ? (T[Name] extends AnyFunction ? Exclude<Name, Reserved> : never) : never
  ]: T[Name] extends AnyFunction ? RemoteMethod<T[Name]> : never;
};

/**
 * A method of the other side. `with()` returns the same method with a signal and a timeout.
 *
 * @example
 * ```ts
 * import { channel, expose, proxy } from '@aiopipe/codec';
 *
 * using pair = channel({ duplex: true });
 * const [here, there] = pair;
 * expose(there, { wait: () => new Promise<void>(() => {}) });
 * const remote = proxy<{ wait(): Promise<void> }>(here);
 * await remote.wait.with({ timeout: 10 })().catch((error) => console.log(error.name));
 * ```
 * ```text
 * TimeoutError
 * ```
 */
export type RemoteMethod<F extends AnyFunction> = Calling<F> & {
  /**
   * Ends the wait at an abort or after `timeout` milliseconds: the call rejects with AbortError or TimeoutError, and
   * `callSignal()` is aborted on the other side. For a generator, `timeout` is the time to wait for each item.
   */
  with(options: WaitOptions): Calling<F>;
};

/**
 * What a call returns here, if the method returns `R` there.
 *
 * @see the example of {@link Remote}
 */
export type Answer<R> = [R] extends [never]
  ? Promise<never>
  : [R] extends [AsyncIterator<infer Item, infer Return>]
    ? AsyncGenerator<Item, Return, undefined>
    : [R] extends [Iterator<infer Item, infer Return>]
      ? AsyncGenerator<Item, Return, undefined>
      : Promise<Awaited<R>>;

/** A function that waits anyhow keeps its type, with all its overloads and type parameters. TypeScript cannot map those. */
type Calling<F extends AnyFunction> = [Returned<F>] extends [never]
  ? Mapped<F>
  : [Returned<F>] extends [Promise<unknown> | AsyncGenerator<unknown, unknown, never>]
    ? F
    : Mapped<F>;

/** The results of all overloads. */
type Returned<F> = F extends {
  (...args: infer _A): infer A;
  (...args: infer _B): infer B;
  (...args: infer _C): infer C;
  (...args: infer _D): infer D;
}
  ? A | B | C | D
  : F extends { (...args: infer _A): infer A; (...args: infer _B): infer B; (...args: infer _C): infer C }
    ? A | B | C
    : F extends { (...args: infer _A): infer A; (...args: infer _B): infer B }
      ? A | B
      : F extends (...args: infer _A) => infer A
        ? A
        : never;

/** Up to four overloads. Type parameters become their constraints. */
type Mapped<F> = F extends {
  (...args: infer A): infer RA;
  (...args: infer B): infer RB;
  (...args: infer C): infer RC;
  (...args: infer D): infer RD;
}
  ? {
      (...args: A): Answer<RA>;
      (...args: B): Answer<RB>;
      (...args: C): Answer<RC>;
      (...args: D): Answer<RD>;
    }
  : F extends { (...args: infer A): infer RA; (...args: infer B): infer RB; (...args: infer C): infer RC }
    ? { (...args: A): Answer<RA>; (...args: B): Answer<RB>; (...args: C): Answer<RC> }
    : F extends { (...args: infer A): infer RA; (...args: infer B): infer RB }
      ? { (...args: A): Answer<RA>; (...args: B): Answer<RB> }
      : F extends (...args: infer A) => infer R
        ? (...args: A) => Answer<R>
        : never;
