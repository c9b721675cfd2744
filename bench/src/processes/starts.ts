import { fork } from 'node:child_process';
import { once } from 'node:events';
import { channel } from '@aiopipe/codec';
import { Prefork, startProcess, target } from '@aiopipe/process';
import { type Laps } from '../harness/laps.js';

const module = new URL('./first-message.js', import.meta.url);

/** Each start is timed until its first message is here; that its process ends, and the next is ready, is not. */
async function timeStarts(
  laps: Laps,
  start: () => Promise<{ ended: Promise<unknown> }>,
  prepare: () => Promise<unknown>,
): Promise<void> {
  for await (const { amount } of laps) {
    let seconds = 0;
    for (let i = 0; i < amount; i++) {
      await prepare();
      const begin = performance.now();
      const { ended } = await start();
      seconds += (performance.now() - begin) / 1000;
      await ended;
    }
    await laps.put(seconds);
  }
}

/** Cold, taken from those that have booted, or from those that have evaluated the module, too. */
export type Warmth = 'cold' | 'preforked' | 'preloaded';

export const startsOurs = target(import.meta.url, 'startsOurs', async (laps: Laps, warmth: Warmth) => {
  const prefork = warmth === 'cold' ? undefined : new Prefork({ preload: warmth === 'preloaded' ? [module] : [] });
  const start = async () => {
    const [reader, writer] = channel<string>();
    const child = startProcess(module, { export: 'sayHello', args: [writer], prefork });
    await reader.get();
    reader.close();
    return { ended: child.join() };
  };
  await timeStarts(laps, start, async () => prefork?.ready());
  await prefork?.[Symbol.asyncDispose]();
});

export const startsTheirs = target(import.meta.url, 'startsTheirs', async (laps: Laps) => {
  const start = async () => {
    const child = fork(module, { execArgv: [] });
    await once(child, 'message');
    const ended = once(child, 'exit');
    child.disconnect();
    return { ended };
  };
  await timeStarts(laps, start, () => Promise.resolve());
});
