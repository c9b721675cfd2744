import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { target } from '@aiopipe/process';
import { type Laps } from '../harness/laps.js';
import { type Exchange } from './exchange.js';
import { driveLinks, type Link } from './link.js';

export interface WorkerTask {
  readonly ports: readonly MessagePort[];
  readonly spec: Exchange;
}

/** As `exchange` of ours, with a thread instead of a process, and a MessageChannel for each channel. */
export const portExchange = target(import.meta.url, 'portExchange', async (laps: Laps, spec: Exchange) => {
  const pairs = Array.from({ length: spec.channels }, () => new MessageChannel());
  const ports = pairs.map(({ port2 }) => port2);
  new Worker(new URL('./worker-partner.js', import.meta.url), { workerData: { ports, spec }, transferList: ports });
  await driveLinks(
    laps,
    spec,
    pairs.map(({ port1 }) => portLink(port1)),
  );
  for (const { port1 } of pairs) port1.close();
});

/** It knows no backpressure. */
export function portLink(port: MessagePort): Link {
  const link: Link = {
    send(message) {
      port.postMessage(message);
      return undefined;
    },
    onMessage: () => undefined,
  };
  port.on('message', (message) => {
    link.onMessage(message);
  });
  return link;
}
