import { cut } from './cut.js';

/** Something that has happened, in words. */
export interface LoggedEvent {
  /** Counts the events. */
  readonly number: number;
  /** As `Date.now()` counts. */
  readonly time: number;
  readonly kind: 'process' | 'supervisor' | 'pool' | 'chain' | 'machine';
  readonly type: 'started' | 'ended' | 'note';
  readonly isFailure: boolean;
  /** What it happened to: `hash-1`. */
  readonly who: string;
  /** What that belongs to: `the pool of hash`. */
  readonly of: string | undefined;
  readonly pid: number | undefined;
  /** `was killed by SIGKILL`. */
  readonly what: string;
  /** What it was doing then: `ran hash for 1.2 s`. */
  readonly doing: string | undefined;
  /** What follows from it: `will be restarted after 200 ms`. */
  readonly next: string | undefined;
  /** The number of an event that this one tells more about; it is no longer in the log. */
  readonly replaces: number | undefined;
}

/** The parts of an event that depend on what has happened. */
export type EventFacts = Pick<LoggedEvent, 'kind' | 'type' | 'who' | 'what'> &
  Partial<Pick<LoggedEvent, 'time' | 'isFailure' | 'of' | 'pid' | 'doing' | 'next'>>;

const MOST_EVENTS = 1000;
const MOST_FAILURES = 100;

/** The last 1,000 events, and the last 100 failures: many starts do not drive out a failure. */
export class EventLog {
  #events: LoggedEvent[] = [];
  #failures: LoggedEvent[] = [];
  /** How many events there have been. */
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /**
   * The process of a worker or of a supervised child is also an event of its own. The event of its pool or supervisor comes later,
   * knows more, and takes its place.
   */
  add({ isFailure = false, who, of, what, doing, next, ...facts }: EventFacts): void {
    const replaced = facts.kind === 'process' ? undefined : this.#take(facts);
    const event: LoggedEvent = {
      number: ++this.#count,
      time: Date.now(),
      pid: undefined,
      ...facts,
      isFailure,
      who: cut(who),
      of: cut(of),
      what: cut(what),
      doing: cut(doing ?? replaced?.doing),
      next: cut(next),
      replaces: replaced?.number,
    };
    push(this.#events, event, MOST_EVENTS);
    if (isFailure) push(this.#failures, event, MOST_FAILURES);
  }

  #take({ pid, type }: Pick<EventFacts, 'pid' | 'type'>): LoggedEvent | undefined {
    if (pid === undefined || type === 'note') return undefined;
    const isTheSame = (event: LoggedEvent) => event.kind === 'process' && event.pid === pid && event.type === type;
    const replaced = this.#events.findLast(isTheSame);
    if (replaced === undefined) return undefined;
    this.#events = this.#events.filter((event) => event !== replaced);
    this.#failures = this.#failures.filter((event) => event !== replaced);
    return replaced;
  }

  /** Returns the events after the one with that number, the oldest first. */
  since(number: number): LoggedEvent[] {
    const isLater = (event: LoggedEvent) => event.number > number;
    const oldest = this.#events[0]?.number ?? Infinity;
    return [
      ...this.#failures.filter((event) => isLater(event) && event.number < oldest),
      ...this.#events.filter(isLater),
    ];
  }
}

function push(list: LoggedEvent[], event: LoggedEvent, most: number): void {
  list.push(event);
  if (list.length > most) list.splice(0, list.length - most);
}
