import { afterAll, expect, test } from 'vitest';
import { leakCheck, randomFrom } from '@aiopipe/testing';
import { callSignal, channel, expose, proxy } from '@aiopipe/codec';
import { soon, turns } from './helpers.js';

afterAll(leakCheck());

const RUNS = Number(process.env['AIOPIPE_RUNS'] ?? 60);
const SEED = Number(process.env['AIOPIPE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

interface Call {
  readonly id: number;
  /** What the method is told to do. */
  plan: 'result' | 'error' | undefined;
  isCancelled: boolean;
  settled: string[];
}

/** One run of random calls, results, errors, cancels and an end, judged by what each call may have come to. */
async function run(seed: number): Promise<void> {
  const random = randomFrom(seed);
  const pick = (count: number) => Math.floor(random() * count);
  const [here, there] = channel({ duplex: true, ...(random() < 0.3 && { encoder: 'json', decoder: 'json' }) });
  const running = new Map<number, { finish: (how: 'result' | 'error') => void; signal: AbortSignal }>();
  const ended: number[] = [];
  const begun: number[] = [];
  const object = {
    call: (id: number) =>
      new Promise<number>((resolve, reject) => {
        begun.push(id);
        running.set(id, {
          signal: callSignal(),
          finish: (how) => {
            if (how === 'result') resolve(id);
            else reject(new Error(`error of ${String(id)}`));
          },
        });
      }),
    async *items(id: number) {
      begun.push(id);
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        ended.push(id);
      }
    },
  };
  expose(there, object);
  const remote = proxy<typeof object>(here);
  const calls: Call[] = [];
  const cancels = new Map<number, AbortController>();
  const streams: { id: number; next: number; items: AsyncGenerator<number>; isOver: boolean }[] = [];
  let hasEnded = false;
  const steps = 20 + pick(200);
  for (let step = 0; step < steps; step++) {
    switch (pick(8)) {
      case 0:
      case 1: {
        const call: Call = { id: step, plan: undefined, isCancelled: false, settled: [] };
        const cancel = new AbortController();
        cancels.set(step, cancel);
        calls.push(call);
        remote.call
          .with({ signal: cancel.signal })(step)
          .then(
            (value) => call.settled.push(value === step ? 'result' : 'a result of another call'),
            (error: unknown) => {
              const { code, message } = error as { code?: string; message: string };
              call.settled.push(message === `error of ${String(step)}` ? 'error' : (code ?? message));
            },
          );
        break;
      }
      case 2:
      case 3: {
        const call = calls[pick(calls.length)];
        const there = call && running.get(call.id);
        if (call === undefined || there === undefined || call.plan !== undefined) break;
        call.plan = random() < 0.5 ? 'result' : 'error';
        there.finish(call.plan);
        break;
      }
      case 4: {
        const call = calls[pick(calls.length)];
        if (call === undefined || random() < 0.3) break;
        call.isCancelled = true;
        cancels.get(call.id)?.abort();
        break;
      }
      case 5: {
        streams.push({ id: step, next: 0, items: remote.items(step), isOver: false });
        break;
      }
      case 6: {
        const stream = streams[pick(streams.length)];
        if (stream === undefined || stream.isOver) break;
        if (random() < 0.2) {
          stream.isOver = true;
          await stream.items.return(undefined);
        } else {
          const result = await stream.items.next().catch(() => undefined);
          if (result === undefined) {
            expect(hasEnded).toBe(true);
            stream.isOver = true;
          } else if (!hasEnded) expect(result).toEqual({ done: false, value: stream.next++ });
        }
        break;
      }
      default:
        await turns(pick(3));
    }
    if (!hasEnded && random() < 0.004) {
      hasEnded = true;
      (random() < 0.5 ? here : there)[Symbol.dispose]();
    }
  }
  const remaining = calls.filter(({ settled }) => settled.length === 0);
  if (!hasEnded)
    await soon(
      (async () => {
        while (remaining.some(({ id, isCancelled }) => !isCancelled && !running.has(id))) await turns(1);
      })(),
      'all calls to arrive',
    );
  for (const call of calls) {
    if (call.plan === undefined && running.has(call.id) && random() < 0.5) {
      call.plan = 'result';
      running.get(call.id)?.finish('result');
    }
  }
  const isOnItsWay = ({ plan, isCancelled, settled }: Call) =>
    plan !== undefined && !isCancelled && settled.length === 0;
  if (!hasEnded)
    await soon(
      (async () => {
        while (calls.some(isOnItsWay)) await turns(1);
      })(),
      'all results to arrive',
    );
  here[Symbol.dispose]();
  there[Symbol.dispose]();
  await turns(5);

  for (const { id, plan, isCancelled, settled } of calls) {
    const possible = new Set<string>(['ERR_AIOPIPE_CLOSED', 'ERR_AIOPIPE_END_OF_STREAM', 'EPIPE']);
    if (plan !== undefined && !hasEnded && !isCancelled) possible.clear();
    if (plan !== undefined) possible.add(plan);
    if (isCancelled) possible.add('ABORT_ERR');
    expect(settled.length, `call ${String(id)} settled ${String(settled)}`).toBe(1);
    expect(possible, `call ${String(id)}`).toContain(settled[0]);
  }
  // Whatever still ran was told to stop, and each generator that began has run its `finally`.
  for (const { id, plan } of calls) {
    const there = running.get(id);
    if (there !== undefined && plan === undefined) expect(there.signal.aborted, `signal of ${String(id)}`).toBe(true);
  }
  const began = streams.filter(({ id }) => begun.includes(id)).map(({ id }) => id);
  expect([...ended].sort((a, b) => a - b)).toEqual(began.sort((a, b) => a - b));
  expect(new Set(begun).size).toBe(begun.length);
}

test(`each call is settled once, with what it may have come to, for any order of events (AIOPIPE_SEED=${String(SEED)})`, async () => {
  for (let i = 0; i < RUNS; i++) {
    try {
      await run(SEED + i);
    } catch (error) {
      throw new Error(`AIOPIPE_SEED=${String(SEED + i)} AIOPIPE_RUNS=1`, { cause: error });
    }
  }
});
