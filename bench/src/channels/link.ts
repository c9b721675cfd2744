import { runLaps, type Laps } from '../harness/laps.js';
import { makeCount, makeMessages, readCount, type Exchange } from './exchange.js';

/** The interface that all peers share: messages come as events. */
export interface Link {
  /** A promise to await before the next message, if the link has backpressure and is full. */
  send(message: unknown): Promise<void> | undefined;
  onMessage: (message: unknown) => void;
}

/** The measured side: the laps, each channel doing its share. */
export async function driveLinks(laps: Laps, spec: Exchange, links: readonly Link[]): Promise<void> {
  const messages = makeMessages(spec);
  await runLaps(laps, async (amount) => {
    const share = Math.ceil(amount / links.length);
    await Promise.all(links.map((link) => lap(link, spec, messages, share)));
  });
}

async function lap(link: Link, spec: Exchange, messages: readonly unknown[], amount: number): Promise<void> {
  if (spec.way === 'there and back') {
    for (let i = 0; i < amount; i++) {
      const answer = arrival(link, 1);
      await link.send(messages[i % messages.length]);
      await answer;
    }
    return;
  }
  const done = arrival(link, spec.way === 'in' ? amount : 1);
  await link.send(makeCount(spec, amount));
  if (spec.way === 'out') await sendAll(link, messages, amount);
  await done;
}

/** To be called before they can come. */
function arrival(link: Link, amount: number): Promise<void> {
  let left = amount;
  return new Promise((resolve) => {
    link.onMessage = () => {
      if (--left === 0) resolve();
    };
  });
}

async function sendAll(link: Link, messages: readonly unknown[], amount: number): Promise<void> {
  for (let i = 0; i < amount; i++) {
    const wait = link.send(messages[i % messages.length]);
    if (wait !== undefined) await wait;
  }
}

/** The partner's side. */
export function serveLink(link: Link, spec: Exchange): void {
  const messages = makeMessages(spec);
  let left = 0;
  link.onMessage = (message) => {
    if (spec.way === 'there and back') void link.send(message);
    else if (spec.way === 'in') void sendAll(link, messages, readCount(message));
    else if (left === 0) left = readCount(message);
    else if (--left === 0) void link.send(makeCount(spec, 0));
  };
}
