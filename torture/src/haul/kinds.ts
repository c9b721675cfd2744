import { channel } from '@aiopipe/codec';
import { Pool, Prefork, startProcess } from '@aiopipe/process';
import { pipeline } from '@aiopipe/subprocess';
import { echo } from '../hostile-targets.js';
import { relay } from '../targets.js';

/** A kind of work that is repeated. */
export interface Kind {
  /** How many in the long run. */
  readonly most: number;
  /** How many between two samples of memory and descriptors. */
  readonly batch: number;
  /** Starts what it needs. Returns a function that does `count` of them, and ends what was started in the end. */
  readonly open: () => Promise<{ run(count: number): Promise<void>; close(): Promise<void> }>;
}

/** Messages of a few fields, through a child and back, in the order in which they were sent. */
const messages: Kind = {
  most: 100_000_000,
  batch: 50_000,
  async open() {
    const [intoChild, to] = channel<unknown>();
    const [from, outOfChild] = channel<{ n: number }>();
    const child = startProcess(relay, { args: [intoChild, outOfChild] });
    await child.started;
    let next = 0;
    return {
      async run(count) {
        const sent = (async () => {
          for (let n = 0; n < count; n++) await to.put({ n: next + n, text: 'a message', list: [1, 2, 3] });
        })();
        for (let n = 0; n < count; n++) {
          const message = await from.get();
          if (message.n !== next + n) throw new Error(`message ${String(message.n)} in place of ${String(next + n)}`);
        }
        await sent;
        next += count;
      },
      async close() {
        to.close();
        await child.result;
        from.close();
      },
    };
  },
};

const tasks: Kind = {
  most: 1_000_000,
  batch: 2000,
  async open() {
    const pool = new Pool(echo, { size: 2 });
    await pool.run(0);
    return {
      async run(count) {
        await Promise.all(
          Array.from({ length: count }, async (_, n) => {
            if ((await pool.run(n)) !== n) throw new Error(`task ${String(n)} got another result`);
          }),
        );
      },
      close: () => pool.close(),
    };
  },
};

const preforkStarts: Kind = {
  most: 100_000,
  batch: 20,
  async open() {
    const prefork = new Prefork({ size: 4, preload: [echo] });
    await prefork.ready();
    return {
      async run(count) {
        for (let n = 0; n < count; n++) {
          const child = startProcess(echo, { args: [n], prefork });
          if ((await child.result) !== n) throw new Error(`start ${String(n)} got another result`);
          await child.join();
        }
        await prefork.ready();
      },
      close: () => prefork.close(),
    };
  },
};

const chains: Kind = {
  most: 10_000,
  batch: 50,
  async open() {
    return {
      async run(count) {
        for (let n = 0; n < count; n++) {
          const { stdout } = await pipeline(['cat'], ['cat']).run({ input: String(n) });
          if (stdout !== String(n)) throw new Error(`chain ${String(n)} returned ${stdout}`);
        }
      },
      close: async () => undefined,
    };
  },
};

export const kinds: ReadonlyMap<string, Kind> = new Map(
  Object.entries({ messages, tasks, 'prefork starts': preforkStarts, chains }),
);
