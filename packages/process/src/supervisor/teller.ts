import { wallClock } from '@aiopipe/core/internal';
import { type Child } from './children.js';
import { type SupervisorEvent } from './events.js';
import { type Ending, type Life } from './life.js';

/** Why a start failed, and the process that there was for a while. */
export interface StartFailure {
  readonly error: Error;
  readonly pid: number | undefined;
}

/** An event without what each has. */
type Told = SupervisorEvent extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'id' | 'path' | 'time'>
    : never
  : never;

/** Makes a supervisor's events of what happens to its children. */
export class Teller {
  /** @param tell - doesn't throw; returns whether anybody listens to such events */
  constructor(readonly tell: (event: SupervisorEvent) => boolean) {}

  started(child: Child, { process, supervisor, pid }: Life): void {
    this.#tell(child, { type: 'started', process, supervisor, pid, restarts: child.restarts });
  }

  startFailed(child: Child, failure: StartFailure, willRestart: boolean, delay = 0): boolean {
    return this.#tell(child, { type: 'start-failed', ...failure, willRestart, delay });
  }

  exited(child: Child, { pid }: Life, ending: Ending, willRestart: boolean, delay = 0): boolean {
    const { at, ...how } = ending;
    const uptime = at - (child.startedAt ?? at);
    return this.#tell(child, { type: 'exited', pid, ...how, uptime, restarts: child.restarts, willRestart, delay });
  }

  gaveUp(child: Child, error: Error): boolean {
    return this.#tell(child, { type: 'gave-up', error });
  }

  #tell(child: Child, what: Told): boolean {
    const { id } = child.spec;
    return this.tell({ id, path: [id], time: wallClock(), ...what });
  }
}
