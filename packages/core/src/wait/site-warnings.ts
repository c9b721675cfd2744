import { nextTick } from './taken.js';

interface Site {
  count: number;
  /** The count at the last warning. */
  reported: number;
  /** The detail of the first time. */
  readonly detail: string;
}

/**
 * Process warnings about one kind of mistake: one for each place in the program, with how often it happened there. The
 * next one about the same place comes when it has happened ten times as often.
 */
export class SiteWarnings {
  readonly #code: string;
  readonly #message: (site: string, count: number, detail: string) => string;
  readonly #sites = new Map<string, Site>();
  #isDue = false;

  /** @param message - the text about `count` times at `site`; `detail` is what {@link note} was given the first time */
  constructor(code: string, message: (site: string, count: number, detail: string) => string) {
    this.#code = code;
    this.#message = message;
  }

  /** Counts one time. The warning comes at the end of this turn, with all that were counted by then. */
  note(site: string, detail = ''): void {
    const known = this.#sites.get(site) ?? { count: 0, reported: 0, detail };
    this.#sites.set(site, known);
    known.count++;
    if (this.#isDue || !isDue(known)) return;
    this.#isDue = true;
    nextTick(() => {
      this.report((warning) => {
        process.emitWarning(warning);
      });
    });
  }

  /** Gives all warnings that are due to `emit`: at exit, when nothing that is emitted for later would come. */
  report(emit: (warning: Error) => void): void {
    this.#isDue = false;
    for (const [site, known] of this.#sites) {
      if (!isDue(known)) continue;
      known.reported = known.count;
      emit(this.#warning(this.#message(site, known.count, known.detail)));
    }
  }

  #warning(message: string): Error {
    // Defined, not assigned: a program may have frozen Error.prototype, which has a name, too.
    return Object.defineProperties(new Error(message), {
      name: { value: 'AiopipeWarning', configurable: true, writable: true },
      code: { value: this.#code, enumerable: true, configurable: true, writable: true },
    });
  }
}

function isDue({ count, reported }: Site): boolean {
  return count > reported && count >= 10 * reported;
}
