import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** Ends a subscription. */
export type Undo = () => void;

/** Calls `hear` with each message of a channel of `node:diagnostics_channel`. */
export function listen<Message>(channel: string, hear: (message: Message) => void): Undo {
  const listener = (message: unknown): void => {
    hear(message as Message);
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
