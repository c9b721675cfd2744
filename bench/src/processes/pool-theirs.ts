import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { target } from '@aiopipe/process';
import { Piscina } from 'piscina';
import { Tinypool } from 'tinypool';
import workerpool from 'workerpool';
import { type Laps } from '../harness/laps.js';
import { runTasks, serializationFor, type PoolWork } from './work.js';

const echo = new URL('./echo.js', import.meta.url).href;

export const poolPiscina = target(import.meta.url, 'poolPiscina', async (laps: Laps, work: PoolWork) => {
  const pool = new Piscina({ filename: echo, minThreads: work.workers, maxThreads: work.workers });
  await runTasks(laps, work, { run: (payload) => pool.run(payload), close: () => pool.destroy() });
});

export const poolTinypool = target(import.meta.url, 'poolTinypool', async (laps: Laps, work: PoolWork) => {
  const pool = new Tinypool({
    filename: echo,
    runtime: 'child_process',
    minThreads: work.workers,
    maxThreads: work.workers,
    serialization: serializationFor(work),
  });
  await runTasks(laps, work, { run: (payload) => pool.run(payload), close: () => pool.destroy() });
});

export const poolWorkerpool = target(import.meta.url, 'poolWorkerpool', async (laps: Laps, work: PoolWork) => {
  const pool = workerpool.pool(fileURLToPath(new URL('./echo-workerpool.js', import.meta.url)), {
    workerType: 'process',
    minWorkers: work.workers,
    maxWorkers: work.workers,
    forkOpts: { serialization: serializationFor(work) },
  });
  await runTasks(laps, work, {
    run: async (payload) => pool.exec('echo', [payload]),
    close: async () => pool.terminate(),
  });
});

interface Forked {
  readonly child: ChildProcess;
  /** In the order of the messages, which is that of the answers. */
  readonly waiting: ((answer: unknown) => void)[];
}

/** The least that could be called a pool: each message to the child that has the fewest to answer. */
export const poolFork = target(import.meta.url, 'poolFork', async (laps: Laps, work: PoolWork) => {
  const children = Array.from({ length: work.workers }, (): Forked => {
    const child = fork(new URL('./echo-fork.js', import.meta.url), {
      serialization: serializationFor(work),
      execArgv: [],
    });
    const waiting: Forked['waiting'] = [];
    child.on('message', (answer) => waiting.shift()?.(answer));
    return { child, waiting };
  });
  const leastBusy = () => children.reduce((one, other) => (other.waiting.length < one.waiting.length ? other : one));
  await runTasks(laps, work, {
    run: (payload) =>
      new Promise((resolve) => {
        const { child, waiting } = leastBusy();
        waiting.push(resolve);
        child.send({ payload });
      }),
    close: () => Promise.resolve(children.map(({ child }) => child.kill())),
  });
});
