import { type PipeReader, type PipeWriter } from '@aiopipe/core';
import { CALM, SimulatedKernel, SimulatedTime } from '@aiopipe/testing';
import { Line, textOf, type Write } from './line.js';

export const time = new SimulatedTime();
export const kernel = new SimulatedKernel();

/** Loads the real package over the simulated kernel and clock. */
export const load = () =>
  time.during(() =>
    kernel.during(async () => {
      const core = await import('@aiopipe/core/internal');
      for (const end of core.aiopipe()) end.close(); // loads the binding
      return core;
    }),
  );
type Core = Awaited<ReturnType<typeof load>>;

interface Writing {
  readonly line: Line;
  writer: PipeWriter;
  state: 'open' | 'closing' | 'closed';
}

interface Reading {
  readonly line: Line;
  reader: PipeReader;
  isClosed: boolean;
  /** Aborts the call that waits now. */
  waits: AbortController | undefined;
}

const realTurn = setImmediate;
const settle = (): Promise<void> => new Promise((resolve) => void realTurn(resolve));

export class World {
  readonly #core: Core;
  readonly #random: () => number;
  readonly #lines: Line[] = [];
  readonly #writings: Writing[] = [];
  readonly #readings: Reading[] = [];
  readonly #aborts = new Set<AbortController>();
  /** Calls that have not settled. */
  #pending = 0;
  /** The first failure that a callback found. A callback cannot throw to the test. */
  #wrong: Error | undefined;
  bytes = 0;

  constructor(core: Core, random: () => number) {
    this.#core = core;
    this.#random = random;
    time.clear();
    time.perLook = this.#pick([0, 0, 0.05, 1]);
    kernel.random = random;
    // The last size is more than a turn may write.
    kernel.capacity = this.#pick([100, 4096, 65_536, 300_000, 4_000_000]);
    kernel.moods = {
      ...CALM,
      short: this.#pick([0, 0.3, 0.9]),
      again: this.#pick([0, 0.2]),
      spurious: this.#pick([0, 0.2]),
    };
    for (let i = this.#pick([1, 2]); i > 0; i--) this.#addPipe();
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)] as T;
  }

  #addPipe(): void {
    const options = { highWaterMark: this.#pick([undefined, 0, 1000]) };
    if (this.#random() < 0.5) {
      const [read, write] = this.#core.aiopipe();
      this.#add(read.open(), write.open(options));
    } else {
      const [one, other] = this.#core.aioduplex();
      const [here, there] = [one.open(options), other.open(options)];
      this.#add(here.reader, there.writer);
      this.#add(there.reader, here.writer);
    }
  }

  #add(reader: Reading['reader'], writer: Writing['writer']): void {
    const line = new Line(this.#lines.length);
    this.#lines.push(line);
    this.#readings.push({ line, reader, isClosed: false, waits: undefined });
    this.#writings.push({ line, writer, state: 'open' });
  }

  /** Lets one thing happen. */
  async step(): Promise<void> {
    const writing = this.#pick(this.#writings);
    const reading = this.#pick(this.#readings);
    const chance = this.#random() * 100;
    if (chance < 20) this.#write(writing);
    else if (chance < 24) this.#drain(writing);
    else if (chance < 45) this.#read(reading);
    else if (chance < 46) await this.#readTwice(reading);
    else if (chance < 84) kernel.deliver();
    else if (chance < 90) time.runImmediate();
    else if (chance < 94) time.fireTimer();
    else if (chance < 97) this.#pick([...this.#aborts])?.abort(new Error('the test’s'));
    else if (chance < 98.6) this.#move(reading, writing);
    else if (chance < 98.9) this.#close(writing);
    else if (chance < 99) await this.#destroy(writing);
    else if (chance < 99.1) this.#closeReader(reading);
    else time.now += this.#random() * 5;
    if (this.#random() < 0.8) await settle();
    if (this.#wrong !== undefined) throw this.#wrong;
  }

  #size(): number {
    const chance = this.#random();
    if (chance < 0.7) return Math.floor(this.#random() * 100);
    if (chance < 0.95) return Math.floor(this.#random() * Math.min(10_000, 5 * kernel.capacity));
    return Math.floor(this.#random() * Math.min(400_000, 50 * kernel.capacity));
  }

  /** Returns the limits of a call, and the controller that aborts it. */
  #limits(): { readonly limits?: { timeout?: number | undefined; signal: AbortSignal }; abort?: AbortController } {
    if (this.#random() < 0.6) return {};
    const abort = new AbortController();
    this.#aborts.add(abort);
    return { limits: { timeout: this.#pick([undefined, 0, 5]), signal: abort.signal }, abort };
  }

  /** Notes how a call ends. */
  #hear<T>(promise: Promise<T>, abort: AbortController | undefined, settled: (code: string, value?: T) => void): void {
    this.#pending++;
    const after = (tell: () => void) => {
      this.#pending--;
      if (abort !== undefined) this.#aborts.delete(abort);
      try {
        tell();
      } catch (error) {
        this.#wrong ??= error as Error;
      }
    };
    promise.then(
      (value) => {
        after(() => {
          settled('done', value);
        });
      },
      (error: unknown) => {
        after(() => {
          const { code = String(error), partial } = error as { code?: string; partial?: T };
          // The error of a closed half tells where the other half went.
          settled(code === 'ERR_AIOPIPE_MOVED' ? 'ERR_AIOPIPE_CLOSED' : code, partial);
        });
      },
    );
  }

  #write({ line, writer }: Writing): void {
    const bytes = textOf(line.writes.length, this.#size());
    const { limits, abort } = this.#limits();
    const write: Write = { bytes, isAbortable: limits !== undefined, wasDestroyed: false };
    line.writes.push(write);
    this.#hear(writer.write(bytes, limits), abort, (code) => (write.code = code));
  }

  #drain({ line, writer }: Writing): void {
    const { limits, abort } = this.#limits();
    const { length } = line.writes;
    this.#hear(writer.drain(limits), abort, (code) => {
      if (code === 'done') line.flushed = Math.max(line.flushed, length);
      const isRight =
        code === 'done' ||
        (code === 'EPIPE' && line.isUnread) ||
        (code === 'ERR_AIOPIPE_CLOSED' && line.hasBeenClosed) ||
        (['ABORT_ERR', 'ERR_AIOPIPE_TIMEOUT'].includes(code) && limits !== undefined);
      check(isRight, `drain(): ${code}`);
    });
  }

  #close(writing: Writing): void {
    if (writing.state !== 'open') return;
    const { line, writer } = writing;
    const { limits, abort } = this.#limits();
    const { length } = line.writes;
    writing.state = 'closing';
    line.hasBeenClosed = true;
    this.#hear(writer.close(limits), abort, (code) => {
      const goesOn = code === 'ABORT_ERR' || code === 'ERR_AIOPIPE_TIMEOUT';
      if (code === 'done') line.flushed = Math.max(line.flushed, length);
      else if (code === 'ERR_AIOPIPE_CLOSED')
        check(line.isCut, 'close() rejects with ClosedError, but nothing has closed the stream');
      else check(goesOn ? limits !== undefined : code === 'EPIPE' && line.isUnread, `close(): ${code}`);
      if (writing.state === 'closing') writing.state = goesOn ? 'open' : 'closed';
    });
  }

  async #destroy(writing: Writing): Promise<void> {
    await settle();
    if (writing.state === 'closed') return;
    const { line, writer } = writing;
    for (const write of line.writes) write.wasDestroyed ||= write.code === undefined;
    line.isCut = line.hasBeenClosed = true;
    writing.state = 'closed';
    writer.destroy();
  }

  #read(reading: Reading): void {
    const { line, reader } = reading;
    if (reading.isClosed) return;
    const { limits, abort = new AbortController() } = this.#limits();
    if (reading.waits !== undefined) return;
    const size = 1 + this.#size();
    const space = Buffer.alloc(size);
    const line_ = (bytes: Buffer) => {
      const at = bytes.indexOf(10);
      check(at === bytes.length - 1 || (at < 0 && reader.atEof), 'readLine() gives other than a line');
    };
    const [promise, judge] = this.#pick<() => [Promise<Buffer>, (bytes: Buffer) => void]>([
      () => [reader.read(size, limits), (bytes) => check(bytes.length <= size, 'read() gives more than was asked for')],
      () => [reader.readExactly(size, limits), (bytes) => check(bytes.length === size, 'readExactly() gives less')],
      () => [reader.readLine(limits), line_],
      () => [
        reader.readUntil(';', limits),
        (bytes) => check(bytes.indexOf(59) === bytes.length - 1, 'readUntil() gives more'),
      ],
      () => [reader.readInto(space, limits).then((count) => space.subarray(0, count)), () => undefined],
    ])();
    reading.waits = abort;
    this.#hear(promise, abort, (code, bytes) => {
      reading.waits = undefined;
      if (bytes !== undefined) {
        line.came.push(Buffer.from(bytes));
        this.bytes += bytes.length;
      }
      if (code === 'done') judge(bytes as Buffer);
      if (code === 'ERR_AIOPIPE_INCOMPLETE_READ' || (code === 'done' && bytes?.length === 0)) line.hasEnded = true;
      const isRight =
        code === 'done' ||
        code === 'ERR_AIOPIPE_INCOMPLETE_READ' ||
        (code === 'ERR_AIOPIPE_CLOSED' && reading.isClosed) ||
        (['ABORT_ERR', 'ERR_AIOPIPE_TIMEOUT'].includes(code) && limits !== undefined);
      check(isRight, `a read: ${code}`);
    });
  }

  async #readTwice(reading: Reading): Promise<void> {
    await settle();
    if (reading.waits === undefined) return;
    this.#hear(reading.reader.read(1), undefined, (code) => {
      check(code === 'ERR_AIOPIPE_BUSY', `a second read: ${code}`);
    });
  }

  #closeReader(reading: Reading): void {
    if (reading.isClosed) return;
    try {
      if (this.#random() < 0.5) reading.reader.close();
      else {
        reading.isClosed = true;
        reading.reader[Symbol.dispose]();
      }
    } catch (error) {
      check((error as { code?: string }).code === 'ERR_AIOPIPE_BUSY' && reading.waits !== undefined, String(error));
      return;
    }
    reading.isClosed = true;
    reading.line.isUnread ||= !reading.line.hasEnded;
  }

  /** Hands a stream on, with the bytes that it has read ahead. */
  #move(reading: Reading, writing: Writing): void {
    const handle = this.#pick([reading.reader, writing.writer]);
    const isReader = handle === reading.reader;
    if (isReader ? reading.isClosed : writing.state === 'closed') return;
    try {
      const { fds, data } = this.#core.move(handle, 'the test');
      const adopt = this.#core.adopterOf(isReader ? 'PipeReader' : 'PipeWriter');
      const moved = adopt?.(
        fds.map((fd) => fd.take()),
        data,
      );
      if (isReader) reading.reader = moved as Reading['reader'];
      else writing.writer = moved as Writing['writer'];
    } catch (error) {
      // The stream waits, has unflushed bytes, or is a half of a duplex stream; or its reader has closed.
      const { code } = error as { code?: string };
      const isRight = ['ERR_AIOPIPE_BUSY', 'EPIPE', 'ERR_AIOPIPE_CLOSED'].includes(String(code));
      check(isRight || (error as Error).message.includes('duplex'), `a move: ${String((error as Error).stack)}`);
    }
  }

  /** Ends the world without further faults: flushes and reads all bytes, closes all streams, and checks that nothing is left. */
  async end(): Promise<void> {
    kernel.moods = CALM;
    time.perLook = 0;
    for (const writing of this.#writings) this.#closeForGood(writing);
    for (let round = 0; this.#pending > 0 || this.#readings.some((reading) => !isOver(reading)); round++) {
      check(round < 100_000, `never ends: ${String(this.#pending)} calls wait`);
      for (const reading of this.#readings) if (!isOver(reading) && reading.waits === undefined) this.#read(reading);
      for (const writing of this.#writings) this.#closeForGood(writing);
      kernel.deliver();
      time.runImmediate();
      time.fireTimer();
      await settle();
      if (this.#wrong !== undefined) throw this.#wrong;
    }
    for (const reading of this.#readings) if (!reading.isClosed) reading.reader.close();
    // The next world begins a turn of its own.
    void this.#core.nextShare();
    while (time.runImmediate());
    await settle();
    for (const line of this.#lines) line.judge();
    const left = [...kernel.leftovers(), ...(time.timers > 0 ? [`${String(time.timers)} timers`] : [])];
    check(left.length === 0, `left over: ${left.join('; ')}`);
  }

  #closeForGood(writing: Writing): void {
    if (writing.state === 'open') this.#close(writing);
  }
}

const isOver = ({ isClosed, line }: Reading): boolean => isClosed || line.hasEnded;

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
