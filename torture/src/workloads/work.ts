import { isClear } from '../failures.js';
import { type World } from '../world.js';

/** A piece of work whose data can be checked. */
export type Part = (world: World, all: Work) => Promise<void>;

/** Does parts of work, and judges how they end. */
export class Work {
  readonly mayFail: boolean;
  readonly #world: World;

  /** @param mayFail - whether parts may end with an error of ours; if not, none may */
  constructor(world: World, mayFail: boolean) {
    this.#world = world;
    this.mayFail = mayFail;
  }

  /** Some of the parts, one after another. */
  async some(count: number, parts: readonly Part[]): Promise<void> {
    for (let n = 0; n < count; n++) {
      const part = this.#world.pick(parts);
      this.#world.at(part.name);
      await this.may(part.name, () => part(this.#world, this));
    }
  }

  /** Runs a part that may fail. It must then fail with an error that has a code. */
  async may(what: string, run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.#world.check(isClear(error) && this.mayFail, `${what}: ${describe(error)}`);
    }
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${String(error.stack)}${error.cause === undefined ? '' : `; because of ${describe(error.cause)}`}`;
}

/** Mostly few, so that there are many rounds; seldom as many as a user may have. */
export const amount = (world: World, few: number, many: number): number =>
  world.between(0, 7) === 0 ? world.between(few, many) : few;
