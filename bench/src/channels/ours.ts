import { channel, type Channel } from '@aiopipe/codec';
import { startProcess, target } from '@aiopipe/process';
import { runLaps, type Laps } from '../harness/laps.js';
import { makeCount, makeMessages, readCount, type Exchange } from './exchange.js';

/** Messages between this process and the one below. */
export const exchange = target(import.meta.url, 'exchange', async (laps: Laps, spec: Exchange) => {
  const codec = spec.shape === 'bytes' ? null : 'default';
  const options = { duplex: true, encoder: codec, decoder: codec, spin: spec.spin } as const;
  const pairs = Array.from({ length: spec.channels }, () => channel(options));
  startProcess(partner, { args: [pairs.map(([, theirs]) => theirs), spec] });
  const messages = makeMessages(spec);
  await runLaps(laps, async (amount) => {
    const share = Math.ceil(amount / spec.channels);
    await Promise.all(pairs.map(([ours]) => lap(ours, spec, messages, share)));
  });
  for (const [ours] of pairs) ours.close();
});

/** As many bytes may be put before something waits. */
const AHEAD = 256 * 1024;
const MOST_AHEAD = 256;

/** Awaits every n-th put; if messages are large, every put. */
async function putAll(end: Channel, spec: Exchange, messages: readonly unknown[], amount: number): Promise<void> {
  const ahead = spec.awaited ? 1 : Math.max(1, Math.min(MOST_AHEAD, Math.floor(AHEAD / Math.max(1, spec.size))));
  for (let i = 1; i <= amount; i++) {
    const put = end.put(messages[i % messages.length]);
    if (i % ahead === 0) await put;
  }
}

async function lap(ours: Channel, spec: Exchange, messages: readonly unknown[], amount: number): Promise<void> {
  if (spec.way === 'there and back') {
    for (let i = 0; i < amount; i++) {
      await ours.put(messages[i % messages.length]);
      await ours.get();
    }
    return;
  }
  await ours.put(makeCount(spec, amount));
  if (spec.way === 'out') await putAll(ours, spec, messages, amount);
  for (let i = 0; i < (spec.way === 'in' ? amount : 1); i++) await ours.get();
}

const partner = target(import.meta.url, 'partner', async (ends: readonly Channel[], spec: Exchange) => {
  const messages = makeMessages(spec);
  await Promise.all(ends.map((end) => serve(end, spec, messages)));
});

async function serve(end: Channel, spec: Exchange, messages: readonly unknown[]): Promise<void> {
  for await (const message of end) {
    if (spec.way === 'there and back') {
      await end.put(message);
      continue;
    }
    const amount = readCount(message);
    if (spec.way === 'in') {
      await putAll(end, spec, messages, amount);
      continue;
    }
    for (let i = 0; i < amount; i++) await end.get();
    await end.put(makeCount(spec, 0));
  }
}
