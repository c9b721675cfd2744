import { nextTick } from './saved-globals.js';

interface Site {
  count: number;
  /** The count at the last warning. */
  reported: number;
  /** What the first time was about. */
  readonly first: string;
  /** The `detail` of the warnings: Node prints it below the message. */
  readonly detail: string | undefined;
}

/**
 * Process warnings about one kind of mistake: one for each place in the program, with how often it happened there. The
 * next one about the same place comes when it has happened ten times as often.
 */
export class SiteWarnings {
  readonly #code: string;
  readonly #message: (site: string, count: number, first: string) => string;
  readonly #sites = new Map<string, Site>();
  #isDue = false;

  /** @param message - the text about `count` times at `site`; `first` is what {@link note} was given the first time */
  constructor(code: string, message: (site: string, count: number, first: string) => string) {
    this.#code = code;
    this.#message = message;
  }

  /** Counts one time. The warning comes at the end of this turn, with all that were counted by then. */
  note(site: string, about = '', detail?: string): void {
    const known = this.#sites.get(site) ?? { count: 0, reported: 0, first: about, detail };
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
      emit(this.#warning(this.#message(site, known.count, known.first), known.detail));
    }
  }

  #warning(message: string, detail: string | undefined): Error {
    // Defined, not assigned: a program may have frozen Error.prototype, which has a name, too.
    return Object.defineProperties(new Error(message), {
      name: { value: 'AiopipeWarning', configurable: true, writable: true },
      code: { value: this.#code, enumerable: true, configurable: true, writable: true },
      ...(detail !== undefined && { detail: { value: detail, enumerable: true, configurable: true, writable: true } }),
    });
  }
}

function isDue({ count, reported }: Site): boolean {
  return count > reported && count >= 10 * reported;
}
