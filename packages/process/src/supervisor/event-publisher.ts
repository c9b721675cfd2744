import { wallClock } from '@aiopipe/core/internal';
import { type Child } from './child.js';
import { Listeners } from '../events/listeners.js';
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
  readonly listeners: Listeners<SupervisorEvent>;
  /** Publishes an event of ours as the outer supervisor's, if there is one. */
  outer: ((event: SupervisorEvent) => boolean) | undefined;

  readonly #observe: (event: SupervisorEvent) => void;

  /**
   * @param emit - calls the listeners; returns whether there are any
   * @param observe - gets the events of this supervisor's own children
   */
  constructor(emit: (event: SupervisorEvent) => boolean, observe: (event: SupervisorEvent) => void) {
    this.listeners = new Listeners(emit);
    this.#observe = observe;
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
    const event: SupervisorEvent = { id, path: [id], time: wallClock(), ...facts };
    this.#observe(event);
    return this.deliver(event);
  }

  /** Hands an event to all that listen, to the outer supervisor's listeners, too. */
  deliver(event: SupervisorEvent): boolean {
    const isHeardOutside = this.outer?.(event) === true;
    return this.listeners.deliver(event) || isHeardOutside;
  }
}
