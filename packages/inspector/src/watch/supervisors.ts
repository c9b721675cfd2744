import type {
  ChildExited,
  ChildStartFailed,
  NestedSupervisor,
  SupervisorEvent,
  SupervisorEventMessage,
  SupervisorMessage,
} from '@aiopipe/process';
import { type EventFacts, type EventLog } from '../log/event-log.js';
import { childEndWords, durationWords, restartWords } from '../log/words.js';
import { hear } from './subscribe.js';
import { WeakList } from './weak-list.js';

/** How a child has ended last, in words. */
export interface LastEnd {
  readonly time: number;
  readonly what: string;
  readonly next: string;
}

/** What is noted about a supervisor. */
export interface SupervisorNotes {
  readonly number: number;
  readonly startedAt: number;
  /** The children that have ended, by their ids. */
  readonly lastEnds: Map<string, LastEnd>;
}

/** The supervisors that there are, the nested ones too. */
export class Supervisors {
  readonly list = new WeakList<NestedSupervisor, SupervisorNotes>();
  readonly #log: EventLog;

  constructor(log: EventLog) {
    this.#log = log;
    hear<SupervisorMessage>('aiopipe:supervisor.open', ({ supervisor }) => {
      this.list.add(supervisor, (number) => ({ number, startedAt: Date.now(), lastEnds: new Map() }));
    });
    hear<SupervisorMessage>('aiopipe:supervisor.close', ({ supervisor }) => {
      this.list.delete(supervisor);
    });
    hear<SupervisorEventMessage>('aiopipe:supervisor.event', ({ supervisor, event }) => {
      this.#happened(supervisor, event);
    });
  }

  #happened(supervisor: NestedSupervisor, event: SupervisorEvent): void {
    const notes = this.list.notes(supervisor);
    const of = notes && `supervisor ${String(notes.number)}`;
    const facts = { kind: 'supervisor', who: event.id, of, time: event.time } as const;
    switch (event.type) {
      case 'started': {
        const what = event.restarts === 0 ? 'was started' : `was restarted (restart ${String(event.restarts)})`;
        this.#log.add({ ...facts, type: 'started', pid: event.pid, what });
        break;
      }
      case 'start-failed':
        this.#ended(notes, event, {
          ...facts,
          type: 'ended',
          what: `could not be started: ${event.error.message}`,
          isFailure: true,
        });
        break;
      case 'exited': {
        const { pid, uptime } = event;
        // For a process, its own event says more.
        const doing = pid === undefined ? `ran for ${durationWords(uptime)}` : undefined;
        this.#ended(notes, event, { ...facts, type: 'ended', ...childEndWords(event), ...(doing && { doing }) });
        break;
      }
      case 'gave-up': {
        const what = `made its supervisor give up: ${event.error.message}`;
        this.#log.add({ ...facts, type: 'note', what, isFailure: true });
      }
    }
  }

  #ended(notes: SupervisorNotes | undefined, event: ChildExited | ChildStartFailed, facts: EventFacts): void {
    const next = restartWords(event);
    notes?.lastEnds.set(event.id, { time: event.time, what: facts.what, next });
    this.#log.add({ ...facts, pid: event.pid, next });
  }
}
