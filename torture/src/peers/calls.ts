// Both sides of a channel with calls: each answers, and each can call.
import { channel, expose, proxy, type Channel, type ExposeOptions, type Remote } from '@aiopipe/codec';
import { AbortError, aiopipe, TimeoutError, type ReadEnd } from '@aiopipe/core';
import { target } from '@aiopipe/process';
import { isLoss } from '../failures.js';
import { checksum, pause } from '../targets.js';
import { World } from '../world.js';

/** The methods that each side has. */
export class Answers {
  readonly #remote: () => Remote<Answers>;
  #generators = 0;

  /** @param remote - returns the other side's methods */
  constructor(remote: () => Remote<Answers>) {
    this.#remote = remote;
  }

  echo(id: number, size: number) {
    return { id, sum: checksum(id, size) };
  }

  async late(id: number, milliseconds: number) {
    await pause(milliseconds);
    return id;
  }

  fails(id: number): Promise<never> {
    return Promise.reject(new RangeError(`call ${String(id)}`));
  }

  /** Calls the function that it got, and returns the sum of its answers. */
  async asks(count: number, ask: (n: number) => Promise<number>) {
    let sum = 0;
    for (let n = 0; n < count; n++) sum += await ask(n);
    return sum;
  }

  async reads(end: ReadEnd) {
    await using reader = end.open();
    return String(await reader.read());
  }

  async *items(id: number, count: number) {
    this.#generators++;
    try {
      for (let n = 0; n < count; n++) yield { id, n };
    } finally {
      this.#generators--;
    }
  }

  /** How many generators have begun, and not ended. */
  generators() {
    return this.#generators;
  }

  /** Calls the caller. */
  calls(seed: number, count: number): Promise<Tally> {
    return makeCalls(new World(seed, false), this.#remote(), count);
  }
}

/** How calls ended. */
export interface Tally {
  readonly right: number;
  /** They failed as they may: most often because the other side has gone. */
  readonly lost: number;
  readonly wrong: readonly string[];
}

/** One call. Returns whether it ended rightly. */
type Call = (world: World, remote: Remote<Answers>, id: number) => Promise<boolean>;

const CALLS: Record<string, Call> = {
  async echo(world, remote, id) {
    const size = world.between(0, 20) === 0 ? 300_000 : world.between(0, 100);
    const answer = await remote.echo(id, size);
    return answer.id === id && answer.sum === checksum(id, size);
  },
  async late(world, remote, id) {
    return (await remote.late(id, world.between(0, 30))) === id;
  },
  async fails(_world, remote, id) {
    const error = await remote.fails(id).catch((thrown: unknown) => thrown);
    if (!(error instanceof RangeError)) throw error;
    return error.message === `call ${String(id)}`;
  },
  async cancelled(world, remote, id) {
    const milliseconds = world.between(0, 20);
    const options = world.pick([{ timeout: milliseconds }, { signal: AbortSignal.timeout(milliseconds) }]);
    try {
      return (await remote.late.with(options)(id, world.between(0, 40))) === id;
    } catch (error) {
      if (error instanceof AbortError || error instanceof TimeoutError) return true;
      throw error;
    }
  },
  async asks(world, remote, id) {
    const count = world.between(0, 5);
    return (await remote.asks(count, (n) => Promise.resolve(n + id))) === (count * (count - 1)) / 2 + count * id;
  },
  async reads(_world, remote, id) {
    const [rx, tx] = aiopipe();
    using _rx = rx;
    const writer = tx.open();
    await writer.write(`pipe ${String(id)}`);
    await writer.close();
    return (await remote.reads(rx)) === `pipe ${String(id)}`;
  },
  async items(world, remote, id) {
    const count = world.between(0, 100);
    const leavesAt = world.between(0, 200);
    let next = 0;
    for await (const item of remote.items(id, count)) {
      if (item.id !== id || item.n !== next) return false;
      if (++next === leavesAt) return true;
    }
    return next === count;
  },
};

/**
 * Makes calls, many at once, and judges the answers.
 *
 * @param mayFail - whether a call may fail with this error
 */
export async function makeCalls(
  world: World,
  remote: Remote<Answers>,
  count: number,
  mayFail: (error: unknown) => boolean = isLoss,
): Promise<Tally> {
  const tally = { right: 0, lost: 0, wrong: [] as string[] };
  const one = async (id: number) => {
    const name = world.pick(Object.keys(CALLS));
    try {
      if (await CALLS[name]?.(world, remote, id)) tally.right++;
      else tally.wrong.push(`call ${String(id)} (${name}) got another answer`);
    } catch (error) {
      if (mayFail(error)) tally.lost++;
      else tally.wrong.push(`call ${String(id)} (${name}): ${String((error as Error).stack)}`);
    }
  };
  await Promise.all(Array.from({ length: count }, (_, id) => one(id)));
  return tally;
}

/** Serves calls at this end of a channel, and returns the methods of the other one. */
export function serveCalls(here: Channel<never, unknown>, options?: ExposeOptions) {
  const remote = proxy<Answers>(here);
  const answers = new Answers(() => remote);
  return { remote, answers, exposed: expose(here, answers, options) };
}

/** A child that has all methods, and stays for as long as the channel. */
export const answersCalls = target(import.meta.url, 'answersCalls', async (channel: Channel<never, unknown>) => {
  await serveCalls(channel).exposed.closed;
});

/** A pair of ends for calls. */
export const callChannel = () => channel<never, unknown>({ duplex: true });
