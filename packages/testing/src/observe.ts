import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** What was published: the event (the last part of the channel's name), and the message. */
export interface Published<Message> {
  readonly event: string;
  readonly message: Message;
}

/** Notes what is published on channels of `node:diagnostics_channel`, in its order, until it is disposed of. */
export function observe<Message = Record<string, unknown>>(
  names: readonly string[],
): { readonly published: readonly Published<Message>[]; events(): string[] } & Disposable {
  const published: Published<Message>[] = [];
  const subscriptions = names.map((name) => {
    const note = (message: unknown) => {
      published.push({ event: name.slice(name.lastIndexOf(':') + 1), message: message as Message });
    };
    subscribe(name, note);
    return () => unsubscribe(name, note);
  });
  return {
    published,
    events: () => published.map(({ event }) => event),
    [Symbol.dispose]: () => {
      for (const end of subscriptions) end();
    },
  };
}

/** The same for all five events of a TracingChannel. */
export const observeTraced = <Message = Record<string, unknown>>(name: string) =>
  observe<Message>(['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((event) => `tracing:${name}:${event}`));
