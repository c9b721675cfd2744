import { EncodeError } from '../errors.js';
import { type AnyFunction } from './methods.js';
import { MOST_FUNCTIONS, type FunctionPlace } from './protocol.js';

interface Given {
  readonly run: AnyFunction;
  isRetained: boolean;
}

/** The arguments of a call without their functions, and where those were. */
export interface Emptied {
  readonly args: readonly unknown[];
  readonly places: readonly FunctionPlace[];
}

/** The functions of this side that the peer may call: those in the arguments of open calls, and those that the peer keeps. */
export class GivenFunctions {
  readonly #functions = new Map<number, Given>();
  #next = 1;
  #retained = 0;
  /** How many the peer may keep. */
  limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  get areRetained(): boolean {
    return this.#retained > 0;
  }

  /** Takes the functions out of arguments. Returns undefined if there are none. */
  take(args: readonly unknown[]): Emptied | undefined {
    if (!args.some(hasFunction)) return undefined;
    const places: FunctionPlace[] = [];
    const emptied = args.map((arg, index) => {
      if (typeof arg === 'function') {
        places.push([index, this.#add(arg as AnyFunction)]);
        return null;
      }
      if (!hasFunction(arg)) return arg;
      const copy: Record<string, unknown> = { ...(arg as Record<string, unknown>) };
      for (const [key, value] of Object.entries(copy)) {
        if (typeof value !== 'function') continue;
        places.push([index, key, this.#add(value as AnyFunction)]);
        Object.defineProperty(copy, key, { value: null });
      }
      return copy;
    });
    const taken = { args: emptied, places };
    if (places.length <= MOST_FUNCTIONS) return taken;
    this.callEnded(places);
    throw new EncodeError('args', `a call can have ${String(MOST_FUNCTIONS)} functions, not ${String(places.length)}`);
  }

  get(id: number): AnyFunction | undefined {
    return this.#functions.get(id)?.run;
  }

  /** Their call has ended: the peer can call those alone that it has retained. */
  callEnded(places: readonly FunctionPlace[]): void {
    for (const place of places) {
      const id = place.at(-1) as number;
      if (this.#functions.get(id)?.isRetained === false) this.#functions.delete(id);
    }
  }

  retain(id: number): void {
    const given = this.#functions.get(id);
    if (given === undefined || given.isRetained || this.#retained >= this.limit) return;
    given.isRetained = true;
    this.#retained++;
  }

  release(id: number): void {
    if (this.#functions.get(id)?.isRetained !== true) return;
    this.#functions.delete(id);
    this.#retained--;
  }

  clear(): void {
    this.#functions.clear();
    this.#retained = 0;
  }

  #add(run: AnyFunction): number {
    this.#functions.set(this.#next, { run, isRetained: false });
    return this.#next++;
  }
}

/** Whether an argument is a function, or a plain object with a function in it. */
function hasFunction(arg: unknown): boolean {
  if (typeof arg !== 'object' || arg === null) return typeof arg === 'function';
  if (Object.getPrototypeOf(arg) !== Object.prototype) return false;
  for (const key in arg) if (typeof (arg as Record<string, unknown>)[key] === 'function') return true;
  return false;
}
