import { describeValue, setImmediate } from '@aiopipe/core/internal';
import { ChildError } from '../errors.js';
import { warnOf } from '../failure/unheard-failure.js';

/** Warnings of one turn, at most. */
const MOST = 10;

/** Tells, by process warnings, of failed tasks whose promises nothing has looked at: of equal failures of one turn once. */
export class UnheardTasks {
  readonly #title: string;
  /** The failures of this turn, by their text. */
  #failures = new Map<string, { readonly error: unknown; count: number }>();
  #rest = 0;

  /** @param title - the pool, in messages */
  constructor(title: string) {
    this.#title = title;
  }

  add(error: unknown): void {
    if (this.#failures.size === 0) {
      setImmediate(() => {
        this.#tell();
      });
    }
    const text = describeValue(error);
    const known = this.#failures.get(text);
    if (known !== undefined) known.count++;
    else if (this.#failures.size < MOST) this.#failures.set(text, { error, count: 1 });
    else this.#rest++;
  }

  #tell(): void {
    const failures = [...this.#failures];
    const rest = this.#rest;
    this.#failures.clear();
    this.#rest = 0;
    for (const [index, [text, { error, count }]] of failures.entries()) {
      const which = count === 1 ? 'a task' : `${String(count)} tasks`;
      const more = rest > 0 && index === failures.length - 1 ? `, and ${String(rest)} more in other ways` : '';
      const message = `${which} of ${this.#title} failed: ${text}${more}`;
      const remedy = 'nothing has used the promise: await pool.run(), or catch its error';
      warnOf('AIOPIPE_TASK_FAILED', new ChildError('ERR_AIOPIPE_CHILD', message, { cause: error }), remedy);
    }
  }
}
