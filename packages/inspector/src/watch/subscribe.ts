import { subscribe } from 'node:diagnostics_channel';
import { tellFault } from '../fault.js';

/**
 * Hears all messages of a channel of `node:diagnostics_channel`, for as long as this thread runs. What a listener throws would be
 * an uncaught exception of the program.
 */
export function hear<Message>(name: string, listener: (message: Message) => void): void {
  subscribe(name, (message) => {
    try {
      listener(message as Message);
    } catch (error) {
      tellFault(error);
    }
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
