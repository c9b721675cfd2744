import { nextTick, wallClock } from '@aiopipe/core/internal';
import { type Child } from './child.js';
import { type EventStream } from './event-stream.js';
import { type SupervisorEvent } from './interface.js';
import { type Ending, type Life } from './life.js';

/** Why a start failed, and the process that there was for a while. */
export interface StartFailure {
  readonly error: Error;
  readonly pid: number | undefined;
}

/** The part of each event that says what happened. */
type Facts = SupervisorEvent extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'id' | 'path' | 'time'>
    : never
  : never;

/** Makes events of what happens to children. Its methods return whether anything listens to such events. */
export class EventPublisher {
  readonly #streams = new Set<EventStream>();
  readonly #emit: (event: SupervisorEvent) => boolean;
  /** Publishes an event of ours as the outer supervisor's, if there is one. */
  outer: ((event: SupervisorEvent) => boolean) | undefined;

  /** @param emit - calls the listeners; returns whether there are any */
  constructor(emit: (event: SupervisorEvent) => boolean) {
    this.#emit = emit;
  }

  started(child: Child, { process, supervisor, pid }: Life): void {
    this.#publish(child, { type: 'started', process, supervisor, pid, restarts: child.restarts });
  }

  startFailed(child: Child, failure: StartFailure, willRestart: boolean, delay = 0): boolean {
    return this.#publish(child, { type: 'start-failed', ...failure, willRestart, delay });
  }

  exited(child: Child, { pid }: Life, ending: Ending, willRestart: boolean, delay = 0): boolean {
    const { at, ...how } = ending;
    const uptime = at - (child.startedAt ?? at);
    return this.#publish(child, { type: 'exited', pid, ...how, uptime, restarts: child.restarts, willRestart, delay });
  }

  gaveUp(child: Child, error: Error): boolean {
    return this.#publish(child, { type: 'gave-up', error });
  }

  #publish(child: Child, facts: Facts): boolean {
    const { id } = child.spec;
    return this.deliver({ id, path: [id], time: wallClock(), ...facts });
  }

  /** Hands an event to all that listen. */
  deliver(event: SupervisorEvent): boolean {
    let isHeard = this.#streams.size > 0;
    for (const stream of this.#streams) stream.push(event);
    if (this.outer?.(event) === true) isHeard = true;
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

  /** The stream gets all events from now on, until it has ended. */
  subscribe(stream: EventStream): void {
    this.#streams.add(stream);
    stream.onEnd(() => this.#streams.delete(stream));
  }

  /** No more events come. */
  end(): void {
    for (const stream of this.#streams) stream.end();
  }
}
