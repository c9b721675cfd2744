import { type Channel } from '@aiopipe/codec';
import type { Supervisor } from '@aiopipe/process';
import { expect } from 'vitest';
import { obey, serve, type Order, type Report } from '../fixtures/connects-siblings.js';

/** A supervisor that never gives up. */
export const lenient = { intensity: Infinity } as const;

export const store = { id: 'store', target: serve, ready: {} } as const;
export const client = { id: 'client', target: obey, ready: {} } as const;

/** Has a child carry out orders. */
export class Ordered implements Disposable {
  readonly #orders: Channel<Order, Report>;

  private constructor(orders: Channel<Order, Report>) {
    this.#orders = orders;
  }

  static async at(supervisor: Supervisor, id: string, key?: number): Promise<Ordered> {
    return new Ordered(await supervisor.connect<Order, Report>(id, { key }));
  }

  async send(order: Order): Promise<void> {
    await this.#orders.put(order);
  }

  async report(): Promise<Report> {
    return this.#orders.get();
  }

  async carryOut(order: Order): Promise<Report> {
    await this.send(order);
    return this.report();
  }

  async connect(to: string, options?: Extract<Order, { do: 'connect' }>['options']): Promise<Report> {
    return this.carryOut({ do: 'connect', to, ...(options && { options }) });
  }

  [Symbol.dispose](): void {
    this.#orders[Symbol.dispose]();
  }
}

export const pidOf = (supervisor: Supervisor, id: string) =>
  supervisor.whichChildren().find((child) => child.id === id)?.pid as number;

export const started = async <S extends Supervisor>(supervisor: S): Promise<S> => {
  await supervisor.start();
  return supervisor;
};

/**
 * Makes a call with longer and longer timeouts, until it times out for the expected reason: on a busy machine, what the reason
 * depends on may become known later than a short timeout.
 */
export async function timesOut(reason: string, call: (timeout: number) => Promise<string>): Promise<void> {
  for (let timeout = 30; ; timeout *= 4) {
    const message = await call(timeout);
    const expected = `${reason} within ${String(timeout)} ms`;
    if (message.includes(expected)) return;
    if (timeout > 5000) expect(message).toContain(expected);
  }
}
