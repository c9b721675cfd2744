import { subscribe } from 'node:diagnostics_channel';

/** Hears all messages of a channel of `node:diagnostics_channel`, for as long as this thread runs. */
export function hear<Message>(name: string, listener: (message: Message) => void): void {
  subscribe(name, (message) => {
    listener(message as Message);
  });
}

/** Hears one event of a TracingChannel. */
export function hearTraced<Message>(
  name: string,
  event: 'start' | 'end' | 'asyncEnd' | 'error',
  listener: (message: Message) => void,
): void {
  hear(`tracing:${name}:${event}`, listener);
}
