import { loadFunction } from '../target/target.js';

export type Run = (...args: unknown[]) => unknown;

/** A target of the pool, as a worker knows it. */
export class LoadedTarget {
  readonly #url: string;
  readonly name: string;
  /** Undefined until it is loaded. */
  run: Run | undefined;

  constructor(url: string, name: string) {
    this.#url = url;
    this.name = name;
  }

  /** Evaluates its module. If that fails, the next call tries it again. */
  async load(): Promise<Run> {
    return (this.run = await loadFunction(this.#url, this.name));
  }
}
