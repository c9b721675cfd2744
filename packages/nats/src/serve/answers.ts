import { serialize } from '@aiopipe/codec';
import { closeHandles, renamePath, serializeError } from '@aiopipe/codec/internal';
import { AbortError } from '@aiopipe/core';
import { Pending } from '@aiopipe/core/internal';
import { headers } from '@nats-io/transport-node';
import { type Engine } from '../engine/engine.js';
import { HEADER } from '../engine/headers.js';
import { type Bodies } from '../message/bodies.js';
import { WINDOW, type AnswerKind } from '../task/answers.js';
import { Courier, type Receipt } from '../task/courier.js';
import { Recent } from '../task/recent.js';
import { type ServedTask } from './task.js';

/** Milliseconds for which an outcome is sent to a caller that is not heard. Then it is dropped. */
const HOLD = 60_000;

/** How many callers that were not heard are remembered, at least. */
const LOST_CALLERS = 1000;

/** Sends the outcomes of tasks to their callers. */
export class Answers {
  readonly #courier: Courier;
  readonly #bodies: Bodies;
  readonly #machine: string;
  readonly #creditsInbox: string;
  /** Callers that were not heard: their outcomes are tried once. */
  readonly #lost = new Recent(LOST_CALLERS);
  readonly #streams = new Map<string, OutgoingItems>();

  constructor(engine: Engine, bodies: Bodies, machine: string, creditsInbox: string) {
    this.#courier = new Courier(engine);
    this.#bodies = bodies;
    this.#machine = machine;
    this.#creditsInbox = creditsInbox;
  }

  /** Whether outcomes that no caller has confirmed are given up. */
  get isClosed(): boolean {
    return this.#courier.isClosed;
  }

  /** Outcomes that no caller has confirmed are given up. */
  close(): void {
    this.#courier.close();
  }

  /** Sends the result of a task. If it cannot be sent, the caller gets the EncodeError. */
  result(task: ServedTask, value: unknown): Promise<Receipt> {
    let bytes: Uint8Array;
    try {
      bytes = serializeOutcome(value, 'result');
    } catch (error) {
      return this.error(task, error);
    }
    return this.#send(task, 'result', bytes);
  }

  error(task: ServedTask, error: unknown): Promise<Receipt> {
    return this.#send(task, 'error', serializeError(error));
  }

  /** Sends the items of a task as the caller's credits allow. Rejects with what the source throws. */
  async items(task: ServedTask, source: AsyncIterable<unknown>): Promise<Receipt> {
    const items = new OutgoingItems(task.signal);
    this.#streams.set(task.id, items);
    const sent = new Set<Promise<void>>();
    try {
      for await (const value of source) {
        await items.mayGo(task.itemsSent);
        const sending = this.#send(task, 'item', serializeOutcome(value, 'item')).then((receipt) => {
          sent.delete(sending);
          if (receipt !== 'taken') task.cancel(new AbortError('the caller left the stream'));
        });
        task.itemsSent++;
        sent.add(sending);
      }
      await Promise.all(sent);
      return await this.#send(task, 'end', new Uint8Array());
    } catch (error) {
      if (task.isWanted) await Promise.all(sent);
      throw error;
    } finally {
      this.#streams.delete(task.id);
    }
  }

  /** The caller lets items up to this number go. */
  credit(id: string, upTo: number): boolean {
    const items = this.#streams.get(id);
    if (items === undefined || !Number.isSafeInteger(upTo)) return false;
    items.grant(upTo);
    return true;
  }

  async #send(task: ServedTask, kind: AnswerKind, bytes: Uint8Array): Promise<Receipt> {
    const fields = headers();
    fields.set(HEADER.kind, kind);
    fields.set(HEADER.machine, encodeURIComponent(this.#machine));
    fields.set(HEADER.attempt, task.attempt);
    if (task.kind === 'stream') {
      fields.set(HEADER.item, String(task.itemsSent));
      fields.set(HEADER.credits, `${this.#creditsInbox}.${task.id}`);
    }
    const data = await this.#bodies.pack(bytes, fields);
    const caller = task.reply.slice(0, task.reply.lastIndexOf('.'));
    const receipt = await this.#courier.deliver(task.reply, data, fields, this.#lost.has(caller) ? 0 : HOLD);
    if (receipt === 'lost') this.#lost.add(caller);
    else this.#lost.delete(caller);
    if (receipt !== 'taken') this.#bodies.remove(fields.get(HEADER.object) || undefined);
    return receipt;
  }
}

/** Throws an EncodeError, which names the path from `what`, if the value cannot be sent. The handles in it are closed then. */
function serializeOutcome(value: unknown, what: string): Uint8Array {
  try {
    return serialize(value);
  } catch (error) {
    closeHandles(value);
    throw renamePath(error, 'value', what);
  }
}

/** The items of one stream, which wait for credits. */
class OutgoingItems {
  readonly #signal: AbortSignal;
  #granted = WINDOW;
  #waiting: Pending<void> | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async mayGo(number: number): Promise<void> {
    while (number >= this.#granted) {
      this.#waiting = new Pending<void>({ signal: this.#signal });
      await this.#waiting.promise;
    }
  }

  grant(upTo: number): void {
    this.#granted = Math.max(this.#granted, upTo);
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
