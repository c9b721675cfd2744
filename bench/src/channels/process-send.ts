import { fork, type ChildProcess, type SerializationType } from 'node:child_process';
import { target } from '@aiopipe/process';
import { type Laps } from '../harness/laps.js';
import { type Exchange } from './exchange.js';
import { driveLinks, type Link } from './link.js';

export interface SendExchange extends Exchange {
  readonly serialization: SerializationType;
}

/** As `exchange` of ours. A child has one channel, so there are as many children as channels. */
export const sendExchange = target(import.meta.url, 'sendExchange', async (laps: Laps, spec: SendExchange) => {
  const script = new URL('./process-send-partner.js', import.meta.url);
  const children = Array.from({ length: spec.channels }, () =>
    fork(script, [JSON.stringify(spec)], { serialization: spec.serialization, execArgv: [] }),
  );
  await driveLinks(laps, spec, children.map(sendLink));
  for (const child of children) child.disconnect();
});

/** If `send()` reports too many unsent messages, waits until all of them are sent. */
export function sendLink(end: ChildProcess | NodeJS.Process): Link {
  let unsent = 0;
  let proceed: (() => void) | undefined;
  const sent = () => {
    if (--unsent > 0) return;
    proceed?.();
    proceed = undefined;
  };
  const link: Link = {
    send(message) {
      unsent++;
      if (end.send?.(message as object, undefined, {}, sent) !== false) return undefined;
      return new Promise((resolve) => {
        proceed = resolve;
      });
    },
    onMessage: () => undefined,
  };
  end.on('message', (message: unknown) => {
    link.onMessage(message);
  });
  return link;
}
