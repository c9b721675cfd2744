import { refuseRecursion } from '../target/role.js';
import { checkTarget, type AnyTarget } from '../target/target.js';

/** A target of a pool. */
export interface PoolTarget {
  /** By this number the messages to workers name it. A worker loads number 0 before it is ready, and the others when it needs them. */
  readonly number: number;
  readonly url: string;
  readonly name: string;
}

/** The targets of a pool. */
export class Targets {
  readonly #own: PoolTarget | undefined;
  readonly #targets = new Map<string, PoolTarget>();

  /** @param own - the target that was given to `new Pool()` */
  constructor(own: { readonly url: string; readonly name: string } | undefined) {
    this.#own = own && { number: 0, url: own.url, name: own.name };
    if (this.#own !== undefined) this.#targets.set(keyOf(this.#own), this.#own);
  }

  /** The target that was given to `new Pool()`. Throws TypeError if there was none. */
  get own(): PoolTarget {
    if (this.#own !== undefined) return this.#own;
    throw new TypeError(
      'this pool was made without a target: call pool.of(target), and run(), map() or stream() of what it returns',
    );
  }

  /** Throws TypeError if it is no target. */
  get(target: AnyTarget): PoolTarget {
    checkPoolTarget(target, 'pool.of()');
    const key = keyOf(target);
    const known = this.#targets.get(key);
    if (known !== undefined) return known;
    const made = { number: this.#targets.size + (this.#own === undefined ? 1 : 0), url: target.url, name: target.name };
    this.#targets.set(key, made);
    return made;
  }
}

function keyOf({ url, name }: { readonly url: string; readonly name: string }): string {
  return `${url}#${name}`;
}

/** Throws TypeError if it is no target; ChildError if its module is the one that starts this process. */
export function checkPoolTarget(target: unknown, place: string): asserts target is AnyTarget {
  checkTarget(target, place);
  refuseRecursion(target.url);
}
