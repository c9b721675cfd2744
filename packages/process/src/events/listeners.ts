import { nextTick } from '@aiopipe/core/internal';
import { type EventStream } from './event-stream.js';

/** All that listens to the events of one emitter: its listeners, and its streams. */
export class Listeners<Event> {
  readonly #streams = new Set<EventStream<Event>>();
  readonly #emit: (event: Event) => boolean;
  #hasEnded = false;

  /** @param emit - calls the listeners; returns whether there are any */
  constructor(emit: (event: Event) => boolean) {
    this.#emit = emit;
  }

  /** Hands an event to all that listen. Returns whether anything does. */
  deliver(event: Event): boolean {
    let isHeard = this.#streams.size > 0;
    for (const stream of this.#streams) stream.push(event);
    try {
      if (this.#emit(event)) isHeard = true;
    } catch (error) {
      isHeard = true;
      // An uncaught exception, as an emitter's is that no call of the program's stands above.
      nextTick(() => {
        throw error;
      });
    }
    return isHeard;
  }

  /** The stream gets all events from now on, until it has ended: at once if no more events come. */
  subscribe(stream: EventStream<Event>): void {
    if (this.#hasEnded) stream.end();
    this.#streams.add(stream);
    stream.onEnd(() => this.#streams.delete(stream));
  }

  /** No more events come. */
  end(): void {
    this.#hasEnded = true;
    for (const stream of this.#streams) stream.end();
  }
}
