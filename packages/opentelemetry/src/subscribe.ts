import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { diag } from '@opentelemetry/api';
import { SCOPE } from './scope.js';

/** Ends a subscription. */
export type Undo = () => void;

/**
 * Calls `hear` with each message of a channel of `node:diagnostics_channel`. If the program's sampler, span processor or context manager
 * throws, OpenTelemetry's diagnostics logger is told: `node:diagnostics_channel` would end the program.
 */
export function listen<Message>(channel: string, hear: (message: Message) => void): Undo {
  const listener = (message: unknown): void => {
    try {
      hear(message as Message);
    } catch (error) {
      diag.error(`${SCOPE}: an event of ${channel} was not recorded`, error);
    }
  };
  subscribe(channel, listener);
  return () => {
    unsubscribe(channel, listener);
  };
}

/** Ends several subscriptions at once. */
export function all(...undo: readonly Undo[]): Undo {
  return () => {
    for (const one of undo) one();
  };
}
