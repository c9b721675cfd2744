import { vi } from 'vitest';
import { SimulatedTime } from '@aiopipe/testing';
import { type Attempt, type Ending } from './model.js';

export const time = new SimulatedTime();

const realTurn = setImmediate;
/** Resolves when all consequences of the last step have happened. */
export async function settle(): Promise<void> {
  do await new Promise((resolve) => void realTurn(resolve));
  while (time.runImmediate());
}

/** The parts of a process that the supervisor uses. */
export class SimulatedProcess {
  readonly result: Promise<unknown>;
  readonly ready: Promise<void>;
  readonly started: Promise<void>;
  readonly pid: number | undefined;
  isReady = false;
  isHung = false;
  hasEnded = false;
  /** Whether a signal that ends it is on its way. */
  isSignalled = false;
  #settle!: { resolve(value: unknown): void; reject(error: Error): void };
  #settleReady!: { resolve(): void; reject(error: Error): void };
  #exit: { resolve(exit: Ending): void; promise: Promise<Ending> };

  constructor(
    readonly path: string,
    attempt: Attempt,
    pid: number,
    readonly happens: (what: string) => void,
  ) {
    this.pid = attempt === 'runs' ? pid : undefined;
    this.result = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.ready = new Promise((resolve, reject) => (this.#settleReady = { resolve, reject }));
    let resolve!: (exit: Ending) => void;
    this.#exit = { promise: new Promise((settle) => (resolve = settle)), resolve };
    this.started = attempt === 'runs' ? Promise.resolve() : Promise.reject(new Error('no process'));
    for (const promise of [this.result, this.ready, this.started]) promise.catch(() => undefined);
    if (attempt !== 'runs') this.end({ exitCode: null, signalCode: null });
  }

  join(): Promise<Ending> {
    return this.#exit.promise;
  }

  ping(): Promise<void> {
    if (this.hasEnded) return Promise.reject(new Error('it has ended'));
    return this.isHung ? new Promise(() => undefined) : Promise.resolve();
  }

  kill(signal: string | number): boolean {
    if (this.hasEnded) return false;
    if (signal === 0) return true;
    this.isSignalled = true;
    this.happens(`${String(signal)} to ${this.path}`);
    return true;
  }

  stop(): Promise<Ending> {
    this.isSignalled = true;
    this.happens(`SIGTERM to ${this.path}`);
    return this.join();
  }

  sayReady(): void {
    this.isReady = true;
    this.#settleReady.resolve();
  }

  end(ending: Ending): void {
    this.hasEnded = true;
    this.#exit.resolve(ending);
    this.#settleReady.reject(new Error('it has ended'));
    if (ending.exitCode === 0) this.#settle.resolve(undefined);
    else this.#settle.reject(new Error('the test’s'));
  }
}

/** Starts processes for the world that runs now. */
export const starter: { start(path: string): SimulatedProcess } = {
  start: () => {
    throw new Error('no world runs');
  },
};

/** Loads the real supervisor over simulated processes. */
export const load = () =>
  time.during(async () => {
    vi.doMock('../../../src/start/process.js', () => ({
      startSupervised: (_: unknown, { args }: { args: [string] }) => starter.start(args[0]),
    }));
    const { Supervisor } = await import('../../../src/supervisor/supervisor.js');
    const { target } = await import('../../../src/target/target.js');
    return { Supervisor, work: target(import.meta.url, 'work', (path: string) => path) };
  });
