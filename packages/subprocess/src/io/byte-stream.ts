import { ClosedError } from '@aiopipe/core';
import { checkOptions, handled, LOOP_END, LoopIterator, nextTurn, now } from '@aiopipe/core/internal';
import { toBytes, type Chunks } from './chunks.js';
import { feedRecords, LineIterator, type Lines } from './lines.js';
import { ProgramOutput } from './program-output.js';
import { checkRecordOptions, RECORD_OPTIONS, type RecordOptions } from './record-options.js';
import { recordSplitter } from './records.js';

/**
 * The input of a function of a chain: the bytes of the stage before it, as they come. It can be read once.
 *
 * @see the example of {@link pipeline}
 */
export interface StageInput extends AsyncIterable<Buffer> {
  /** Reads the bytes as lines of text, without their newline; or as other records, as {@link Pipeline.lines} does. */
  lines(options?: RecordOptions<'utf8' | 'latin1'>): Lines<string>;
  lines(options: RecordOptions<'buffer'>): Lines<Buffer>;
}

/**
 * Milliseconds after which the event loop gets a turn: a source that waits for nothing would keep it from timers and from
 * everyone else. The clock is asked only after so many chunks or bytes.
 */
const TURN = 5;
const CHUNKS_PER_LOOK = 64;
const BYTES_PER_LOOK = 256 * 1024;

/**
 * The bytes of any source. It can be cancelled while a `next()` waits, whatever the source does: a user's generator may
 * wait for something itself.
 */
export class ByteStream extends LoopIterator<Buffer> implements StageInput {
  readonly #source: Chunks;
  /** The source, if the kernel sets its pace. */
  readonly #programs: ProgramOutput | undefined;
  readonly #what: string;
  #isOver = false;
  #failure: { readonly reason: unknown } | undefined;
  /** How many reads wait: mostly one. */
  #waits = 0;
  /** Rejects the read that came while no other one waited. */
  #cancelFirst: ((reason: unknown) => void) | undefined;
  /** Reject the other reads that wait. */
  readonly #cancelOthers = new Set<(reason: unknown) => void>();
  readonly #stopListeners: (() => void)[] = [];
  /** Since the clock was asked. */
  #chunks = 0;
  #bytes = 0;
  #turnBegan = 0;
  #bytesRead = 0;

  /** @param what - names the source in messages */
  constructor(source: Chunks, what: string) {
    super();
    this.#source = source;
    this.#programs = source instanceof ProgramOutput ? source : undefined;
    this.#what = what;
  }

  /** How many bytes have been read. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** @param room - memory that the chunk may be put into; the next call may overwrite it */
  override next(room?: Buffer): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#isOver && this.#failure === undefined) return Promise.resolve(LOOP_END);
    // A function may have returned without awaiting it.
    return handled(
      new Promise<IteratorResult<Buffer, undefined>>((resolve, reject) => {
        if (this.#failure !== undefined) throw this.#failure.reason;
        if (this.#waits === 0) {
          this.#cancelFirst = reject;
          this.#take(room).then(resolve, reject);
          return;
        }
        this.#cancelOthers.add(reject);
        this.#take(room)
          .finally(() => this.#cancelOthers.delete(reject))
          .then(resolve, reject);
      }),
    );
  }

  async #take(room: Buffer | undefined): Promise<IteratorResult<Buffer, undefined>> {
    this.#waits++;
    try {
      for (;;) {
        if (this.#chunks >= CHUNKS_PER_LOOK || this.#bytes >= BYTES_PER_LOOK) await this.#leaveTurn();
        const { done, value } = await (this.#programs?.next(room) ?? this.#source.next());
        if (done === true) {
          this.#isOver = true;
          return LOOP_END;
        }
        const bytes = toBytes(value, this.#what);
        this.#bytesRead += bytes.length;
        this.#chunks++;
        this.#bytes += bytes.length;
        if (bytes.length > 0 || this.#isOver) return { done: false, value: bytes };
      }
    } finally {
      this.#waits--;
    }
  }

  async #leaveTurn(): Promise<void> {
    this.#chunks = 0;
    this.#bytes = 0;
    if (now() - this.#turnBegan < TURN) return;
    await nextTurn();
    this.#turnBegan = now();
  }

  /** Cancels the stream, and its source. */
  override return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#cancel(new ClosedError(`${this.#what}: closed while a read of it waited`));
    return Promise.resolve(LOOP_END);
  }

  /** Cancels it with a reason, which rejects all later reads: their caller must not take this for the end. */
  stop(reason: unknown): void {
    this.#failure ??= { reason };
    this.#cancel(reason);
    for (const callback of this.#stopListeners.splice(0)) callback();
  }

  /** Ends it: what programs have written is still given, as far as it is there; any other source is stopped. */
  finish(reason: unknown): void {
    if (this.#programs === undefined) this.stop(reason);
    else this.#programs.finish();
  }

  #cancel(reason: unknown): void {
    this.#cancelFirst?.(reason);
    for (const cancel of this.#cancelOthers) cancel(reason);
    if (this.#isOver) return;
    this.#isOver = true;
    // Not awaited: a source that waits for something itself may never answer.
    void handled((async () => this.#source.return?.())());
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
    // Leaving the generator while it waits would wait with it.
    return new LineIterator(splitter, { next: () => records.next(), return: () => this.return() });
  }
}
