// Runs the real scheduler over simulated workers and a simulated clock: a random life, and a model that judges it. A seed gives the
// same run again, and more steps take longer: AIOPIPE_SEED=123 AIOPIPE_STEPS=1000000 npx vitest run test/pool/schedules.test.ts
import { beforeAll, expect, test } from 'vitest';
import { runSchedules, SimulatedTime } from '@aiopipe/testing';
// No module may load before the clock is simulated.
import type { Item, SimulatedWorker } from './model.js';

const realTurn = setImmediate;
const turn = () => new Promise((resolve) => realTurn(resolve));

const time = new SimulatedTime();

function advance(milliseconds: number): void {
  const until = time.now + milliseconds;
  while (time.nextTimer <= until) time.fireTimer();
  time.now = until;
}

const load = async () => ({
  ...(await import('@aiopipe/codec')),
  ...(await import('@aiopipe/core')),
  ...(await import('./model.js')),
  ...(await import('../../src/pool/calls.js')),
  ...(await import('../../src/pool/events.js')),
  ...(await import('../../src/pool/options.js')),
  ...(await import('../../src/pool/scheduler.js')),
});
let parts: Awaited<ReturnType<typeof load>>;

beforeAll(async () => {
  parts = await time.during(load);
});

/** A task that was asked for, and what its caller hears. */
interface Asked {
  readonly item: Item;
  readonly retries: number;
  readonly isLimited: boolean;
  readonly controller: AbortController;
  readonly isStream: boolean;
  outcome?: { readonly value: unknown } | { readonly error: Error & { code?: string } };
  /** A stream's next item is asked for, or it is being left. */
  isAsking: boolean;
  items?: AsyncGenerator<unknown>;
}

type Calls = InstanceType<typeof parts.TargetCalls<[Item], unknown>>;

class Life {
  readonly links: SimulatedWorker[] = [];
  readonly #fairness = new parts.Fairness();
  readonly asked: Asked[] = [];
  readonly #random: () => number;
  readonly #settings: ReturnType<typeof parts.readPoolOptions>;
  /** By the numbers of their targets. */
  readonly #calls: Calls[];
  readonly #scheduler: InstanceType<typeof parts.Scheduler>;
  readonly #hasKeys: boolean;
  /** The pool may have come to an end before its time. */
  #mayBeOver = false;

  constructor(random: () => number) {
    this.#random = random;
    this.#hasKeys = random() < 0.5;
    this.#settings = parts.readPoolOptions({
      size: this.#pick([1, 2, 3, { max: 3 }, { min: 1, max: 2 }]),
      maxTasks: this.#pick([Infinity, Infinity, 3, 1]),
      intensity: this.#pick([Infinity, Infinity, Infinity, 5]),
      cancelGrace: this.#pick([0, 5, Infinity]),
      queueLimit: this.#pick([65_536, 5]),
      idleTimeout: 20,
    });
    this.#scheduler = new parts.Scheduler(
      { url: 'file:///none', name: 'simulated' },
      this.#settings,
      new parts.PoolPublisher(() => false),
      (name, _, owner) => {
        const link = new parts.SimulatedWorker(name, owner, this.#fairness);
        this.links.push(link);
        return link;
      },
    );
    const { targets } = this.#scheduler;
    const others = ['second', 'third'].map((name) => targets.get({ url: 'file:///none', name, run: () => undefined }));
    this.#calls = [targets.own, ...others].map((called) => new parts.TargetCalls(this.#scheduler, called, {}));
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)] as T;
  }

  async step(): Promise<void> {
    const live = this.links.filter(({ isGone }) => !isGone);
    const link = live[Math.floor(this.#random() * live.length)];
    const chance = this.#random() * 100;
    if (chance < 12) this.#ask();
    else if (chance < 14) this.#abort(this.#pick(this.asked));
    else if (chance < 20) this.#ofStream();
    else if (chance < 24) advance(this.#pick([0.1, 1, 3, 10, 30]));
    else if (chance < 60) link?.work(this.#random);
    else if (chance < 90) link?.deliver();
    else if (chance < 95) link?.finish();
    else if (chance < 96) link?.die();
    else if (link !== undefined) this.#misfortune(link, chance);
    for (const other of live) if (other.isEnding && this.#random() < 0.2) other.die();
    if (this.#random() < 0.5) time.runImmediate();
    await turn();
  }

  #abort(asked: Asked | undefined): void {
    if (asked === undefined) return;
    this.#fairness.waiting.delete(asked.item);
    asked.controller.abort(new Error('the test’s'));
  }

  #misfortune(link: SimulatedWorker, chance: number): void {
    // The pool doesn't have to bear it without end.
    if (chance < 96.5) link.lie(this.#random);
    else if (chance < 97) link.failsToSend = true;
    else if (chance < 98) link.tellFailure(false);
    else if (chance < 98.3) link.tellFailure(true);
    else if (chance < 98.6) link.failsToOffer = true;
    else if (chance < 98.8) link.failsToTakeBack = true;
    else if (chance < 99) link.deliverUnreadable(new parts.DecodeError('can’t be built', { fatal: false }));
  }

  #ask(): void {
    const wish = {
      kind: this.#pick(['plain', 'plain', 'plain', 'once', 'unsendable'] as const),
      target: this.#pick([0, 0, 1, 2]),
      // Others are called within milliseconds.
      priority: this.#pick([0, 0, 0, 0.002, 0.01, 1, -1]),
      key: this.#hasKeys ? this.#pick([undefined, undefined, 'a', 'b', 'c']) : undefined,
    };
    const item = new parts.Item(this.asked.length, wish, time.now);
    const timeout = this.#pick([undefined, undefined, 0, 10]);
    const asked: Asked = {
      item,
      retries: this.#pick([0, 0, 1, 2]),
      isLimited: timeout !== undefined,
      controller: new AbortController(),
      isStream: this.#random() < 0.25,
      isAsking: false,
    };
    this.asked.push(asked);
    const { priority, key } = wish;
    const called = this.#calls[wish.target] as Calls;
    const calls = called.with({ retries: asked.retries, timeout, signal: asked.controller.signal, priority, key });
    if (asked.isStream) {
      asked.items = calls.stream(item);
      return;
    }
    // A task that its caller can stop, and one that the pool may refuse, may not wait any more.
    if (timeout === undefined && key === undefined && this.#settings.queueLimit > 5) this.#fairness.waiting.add(item);
    this.#judge(asked, calls.run(item));
  }

  /** A caller takes an item of a stream, or leaves the stream. */
  #ofStream(): void {
    const streams = this.asked.filter(({ items, outcome, isAsking }) => items && !outcome && !isAsking);
    const asked = streams[Math.floor(this.#random() * streams.length)];
    if (asked?.items === undefined) return;
    asked.isAsking = true;
    if (this.#random() < 0.2) {
      asked.isAsking = true;
      this.#judge(
        asked,
        asked.items.return(undefined).then(() => asked.item.id),
      );
      return;
    }
    this.#advance(asked, asked.items);
  }

  #advance(asked: Asked, items: AsyncGenerator<unknown>): void {
    items.next().then(
      ({ done, value }) => {
        asked.isAsking = false;
        if (done) asked.outcome = { value: asked.item.id };
        else parts.check(value === asked.item.id, `stream ${String(asked.item.id)} yields ${String(value)}`);
      },
      (error: unknown) => (asked.outcome = { error: error as Error }),
    );
  }

  #judge(asked: Asked, promise: Promise<unknown>): void {
    promise.then(
      (value) => (asked.outcome = { value }),
      (error: unknown) => (asked.outcome = { error: error as Error }),
    );
  }

  /** The rest of it goes as it should; close() ends, and everybody has heard what is theirs. */
  async end(): Promise<void> {
    for (const { items } of this.asked) void items?.return(undefined).catch(() => undefined);
    let isClosed = false;
    const closed = this.#close(this.#random());
    void closed.then(() => (isClosed = true));
    for (let round = 0; !isClosed; round++) {
      parts.check(round < 5000, `close() does not end: ${JSON.stringify(this.#scheduler.stats)}`);
      for (const link of this.links) {
        link.failsToOffer = link.failsToTakeBack = link.failsToSend = false;
        link.tellFailure(false);
        link.work(this.#random);
        link.deliver();
        if (link.isEnding) link.die();
        link.finish();
      }
      advance(1);
      while (time.runImmediate());
      await turn();
    }
    for (let round = 0; round < 10; round++) {
      while (time.runImmediate());
      await turn();
    }
    for (const asked of this.asked) this.#judgeOutcome(asked);
    for (const { isGone, name } of this.links) parts.check(isGone, `${name} is left over`);
  }

  #close(chance: number): Promise<void> {
    if (chance < 0.5) return this.#scheduler.close();
    if (chance > 0.7) return this.#endAtOnce();
    this.#mayBeOver = true;
    return this.#scheduler.close(this.#pick([0, 3, 30]));
  }

  #endAtOnce(): Promise<void> {
    this.#mayBeOver = true;
    return this.#scheduler.end(() => new parts.ClosedError('the test’s'));
  }

  #judgeOutcome({ item, retries, isLimited, controller, outcome, isStream, isAsking }: Asked): void {
    const about = `task ${String(item.id)} (${JSON.stringify(item.wish)}, ${String(item.losses)} losses, ${String(retries)} retries${isStream ? ', a stream' : ''})`;
    if (outcome === undefined) {
      parts.check(isStream && !isAsking, `${about} was never settled`);
      return;
    }
    parts.check(item.runs <= retries + 1, `${about} was run ${String(item.runs)} times`);
    if ('value' in outcome) {
      parts.check(outcome.value === item.id, `${about} resolved to ${String(outcome.value)}`);
      return;
    }
    const { error } = outcome;
    const mayBeOver = this.#mayBeOver || this.#settings.intensity !== Infinity;
    const isLost = item.losses > retries || (mayBeOver && item.losses > 0);
    const isFine =
      (error instanceof RangeError && error.message === `of ${String(item.id)}`) ||
      (error.code === 'ABORT_ERR' && controller.signal.aborted) ||
      (error.code === 'ERR_AIOPIPE_TIMEOUT' && isLimited) ||
      (error.code === 'ERR_AIOPIPE_ENCODE' && item.wish.kind === 'unsendable') ||
      (error.code === 'ERR_AIOPIPE_NO_RESULT' && (isLost || item.wish.kind === 'once' || isStream)) ||
      (error.code === 'ENOBUFS' && item.wish.kind === 'once') ||
      error.code === 'ERR_AIOPIPE_DECODE' ||
      error.code === 'ERR_AIOPIPE_QUEUE_FULL' ||
      (error.code === 'ERR_AIOPIPE_INTENSITY' && this.#settings.intensity !== Infinity) ||
      (error.code === 'ERR_AIOPIPE_CLOSED' && this.#mayBeOver);
    parts.check(isFine, `${about} rejected: ${String(error.stack)}`);
  }
}

test(
  'every task settles once, at its own caller, for any behaviour of workers, links and callers',
  { timeout: 0 },
  async () => {
    const settled = { values: 0, errors: new Map<string, number>() };
    await runSchedules({ steps: 100_000, each: 400 }, async (random, steps) => {
      time.clear();
      const life = new Life(random);
      for (let step = 0; step < steps; step++) await life.step();
      await life.end();
      for (const { outcome } of life.asked) {
        if (outcome === undefined) continue;
        if ('value' in outcome) settled.values++;
        else {
          const code = String(outcome.error.code);
          settled.errors.set(code, (settled.errors.get(code) ?? 0) + 1);
        }
      }
    });
    // The life had all that it should have had.
    for (const code of ['ABORT_ERR', 'ERR_AIOPIPE_TIMEOUT', 'ERR_AIOPIPE_NO_RESULT', 'ERR_AIOPIPE_ENCODE', 'ENOBUFS'])
      expect(settled.errors.get(code)).toBeGreaterThan(0);
    expect(settled.values).toBeGreaterThan(1000);
  },
);
