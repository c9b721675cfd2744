import { type NestedSupervisor, type SupervisorEvent } from './interface.js';

/**
 * The message of the channels `aiopipe:supervisor.open` and `aiopipe:supervisor.close`: a supervisor was made; it was stopped, or
 * gave up. The supervisors that another one starts are among them.
 */
export interface SupervisorMessage {
  readonly supervisor: NestedSupervisor;
}

/** The message of the channel `aiopipe:supervisor.event`. Each event comes once: from the supervisor of the child that it is about. */
export interface SupervisorEventMessage extends SupervisorMessage {
  readonly event: SupervisorEvent;
}
