import { type NestedSupervisor, type SupervisorEvent } from './interface.js';

/**
 * The message of the channels `aiopipe:supervisor.open` and `aiopipe:supervisor.close`: a supervisor was made; it was stopped, or
 * gave up. The supervisors that another one starts are among them.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * import { isChild, Supervisor, target, type SupervisorMessage } from '@aiopipe/process';
 *
 * export const wait = target(import.meta.url, 'wait', () => new Promise(() => setInterval(() => {}, 1000)));
 *
 * subscribe('aiopipe:supervisor.open', (message) => {
 *   const { supervisor } = message as SupervisorMessage;
 *   console.log(supervisor.countChildren().specs);
 * });
 * if (!isChild()) await new Supervisor([{ id: 'web', target: wait }]).stop();
 * ```
 * ```text
 * 1
 * ```
 */
export interface SupervisorMessage {
  readonly supervisor: NestedSupervisor;
}

/**
 * The message of the channel `aiopipe:supervisor.event`. Each event comes once: from the supervisor of the child that it is about.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * import { isChild, Supervisor, target, type SupervisorEventMessage } from '@aiopipe/process';
 *
 * export const wait = target(import.meta.url, 'wait', () => new Promise(() => setInterval(() => {}, 1000)));
 *
 * subscribe('aiopipe:supervisor.event', (message) => {
 *   const { event } = message as SupervisorEventMessage;
 *   console.log(event.path.join('/'), event.type);
 * });
 * if (!isChild()) {
 *   const supervisor = new Supervisor([{ id: 'web', target: wait }]);
 *   await supervisor.start();
 *   await supervisor.stop();
 * }
 * ```
 * ```text
 * web started
 * web exited
 * ```
 */
export interface SupervisorEventMessage extends SupervisorMessage {
  readonly event: SupervisorEvent;
}
