import { createHash } from 'node:crypto';
import { channel, EndOfStreamError } from '@aiopipe/codec';
import { BrokenPipeError, IncompleteReadError } from '@aiopipe/core';
import { startProcess } from '@aiopipe/process';
import { harmer } from '../kill.js';
import { relay } from '../targets.js';
import { type Episode } from './episode.js';

/** Returns the content of message `n`. Its size depends on `n`, so that frames begin and end anywhere in a read. */
function payload(n: number): { n: number; text: string; bytes: Buffer } {
  const bytes = Buffer.alloc((n * 7919) % 5000, n & 255);
  return { n, text: createHash('sha1').update(bytes).digest('hex'), bytes };
}

export const messages: Episode = {
  about: 'messages through a child that is stopped and killed: those that come are right, in order, and none twice',
  async run(world) {
    const [intoChild, toChild] = channel<unknown>();
    const [fromChild, outOfChild] = channel<ReturnType<typeof payload>>();
    const child = startProcess(relay, { args: [intoChild, outOfChild], stderr: 'ignore' });
    child.result.catch(() => undefined);
    const stop = harmer(world, world.pick([0, 1, 3]), () => (child.pid === undefined ? [] : [child.pid]));
    const count = world.between(1, 5000);

    world.at('sending and receiving');
    const sent = (async () => {
      try {
        for (let n = 0; n < count; n++) {
          const put = toChild.put(payload(n));
          if (world.between(0, 9) === 0) await put;
        }
        await toChild.drain();
      } catch (error) {
        world.check(error instanceof BrokenPipeError, `sending: ${String(error)}`);
      }
      toChild[Symbol.dispose]();
    })();
    let next = 0;
    try {
      for (;;) {
        const message = await fromChild.get();
        const expected = payload(next);
        const isRight = message.n === next && message.text === expected.text && message.bytes.equals(expected.bytes);
        world.check(isRight, `message ${String(message.n)} came in place of ${String(next)}, or is damaged`);
        next++;
        if (next % 100 === 0) world.count('messages', 100);
      }
    } catch (error) {
      const isEnd = error instanceof EndOfStreamError || error instanceof IncompleteReadError;
      world.check(isEnd, `receiving: ${String(error)}`);
    }
    await sent;
    stop();
    fromChild[Symbol.dispose]();
    world.at('waiting for the child');
    const { exitCode } = (await child.join({ timeout: 30_000 })) ?? {};
    world.check(
      exitCode !== 0 || next === count,
      `${String(next)} of ${String(count)} messages came, and the child exited with 0`,
    );
  },
};
