import { ClosedError } from '@aiopipe/core';
import { checkOptions, nextTurn } from '@aiopipe/core/internal';
import { toBytes, type Chunks } from './chunks.js';
import { feedRecords, Lines } from './lines.js';
import { Outlet } from './outlet.js';
import { checkRecordOptions, RECORD_OPTIONS, type RecordOptions } from './record-options.js';
import { recordSplitter } from './records.js';

/** What a function of a chain reads: the bytes of the stage before it, as they come. It can be read once. */
export interface StageInput extends AsyncIterable<Buffer> {
  /** The same as lines of text, without their newline; or other records, as {@link Pipeline.lines} has them. */
  lines(options?: RecordOptions<'utf8' | 'latin1'>): Lines<string>;
  lines(options: RecordOptions<'buffer'>): Lines<Buffer>;
}

/** Of small ones; large ones wait for the loop where they are written. */
const PIECES_PER_TURN = 256;

const END = Object.freeze({ done: true, value: undefined });

/**
 * Chunks from any source, where the one who waits for the next can be sent away, whatever the source does: it may be
 * a user's generator that waits for something itself.
 */
export class Inlet implements StageInput, AsyncIterableIterator<Buffer, undefined> {
  readonly #source: Chunks;
  readonly #what: string;
  #isOver = false;
  #failure: Error | undefined;
  #sendAway: ((reason: Error) => void) | undefined;
  readonly #stopListeners: (() => void)[] = [];
  #taken = 0;
  /** How many bytes have been taken. */
  bytes = 0;

  /** @param what - as the source is named in messages */
  constructor(source: Chunks, what: string) {
    this.#source = source;
    this.#what = what;
  }

  /** @param room - may be written to until the next call, and what comes may lie in it */
  next(room?: Buffer): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#isOver && this.#failure === undefined) return Promise.resolve(END);
    const next = new Promise<IteratorResult<Buffer, undefined>>((resolve, reject) => {
      if (this.#failure !== undefined) throw this.#failure;
      this.#sendAway = reject;
      this.#take(room).then(resolve, reject);
    });
    // A function may have left without awaiting it.
    next.catch(() => undefined);
    return next;
  }

  async #take(room: Buffer | undefined): Promise<IteratorResult<Buffer, undefined>> {
    const source = this.#source;
    for (;;) {
      // A source that waits for nothing would keep the event loop from timeouts and from everyone else.
      if (++this.#taken % PIECES_PER_TURN === 0) await nextTurn();
      const { done, value } = await (source instanceof Outlet ? source.next(room) : source.next());
      if (done === true) {
        this.#isOver = true;
        return END;
      }
      const bytes = toBytes(value, this.#what);
      this.bytes += bytes.length;
      if (bytes.length > 0 || this.#isOver) return { done: false, value: bytes };
    }
  }

  /** No more is wanted: the source is told. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#close(new ClosedError(`${this.#what}: closed while a read of it waited`));
    return Promise.resolve(END);
  }

  /** As {@link return}, but whoever reads on hears why there is no more: it must not take this for the end. */
  stop(reason: Error): void {
    this.#failure ??= reason;
    this.#close(reason);
    for (const callback of this.#stopListeners.splice(0)) callback();
  }

  /** As {@link stop}, but what programs have written is still given, as far as it is there. */
  finish(reason: Error): void {
    if (this.#source instanceof Outlet) this.#source.finish();
    else this.stop(reason);
  }

  #close(reason: Error): void {
    this.#sendAway?.(reason);
    if (this.#isOver) return;
    this.#isOver = true;
    // Not awaited: a source that waits for something itself may never answer.
    void (async () => this.#source.return?.())().catch(() => undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  lines(options?: RecordOptions<'utf8' | 'latin1'>): Lines<string>;
  lines(options: RecordOptions<'buffer'>): Lines<Buffer>;
  lines(options: RecordOptions = {}): Lines<string | Buffer> {
    checkOptions(options, RECORD_OPTIONS);
    const checked = checkRecordOptions(options);
    const splitter = recordSplitter(checked);
    const records = feedRecords(splitter, (room) => this.next(room), this.#what, checked);
    this.#stopListeners.push(() => {
      splitter.drop();
    });
    // To leave the generator while it waits would be to wait with it.
    return new Lines(splitter, { next: () => records.next(), return: () => this.return() });
  }
}
