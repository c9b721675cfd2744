import { type Channel, type ChannelReader, type ChannelWriter } from '@aiopipe/codec';
import { CALM, SimulatedKernel, SimulatedTime } from '@aiopipe/testing';
import { bodyOf, Line, type Get, type Message, type Outcome, type Put } from './line.js';

export const time = new SimulatedTime();
export const kernel = new SimulatedKernel();

/** Loads the real packages over the simulated kernel and clock. */
export const load = () =>
  time.during(() =>
    kernel.during(async () => {
      const codec = await import('@aiopipe/codec/internal');
      const { nextShare } = await import('@aiopipe/core/internal');
      codec.channel()[Symbol.dispose](); // loads the binding
      return { ...codec, nextShare };
    }),
  );
type Codec = Awaited<ReturnType<typeof load>>;

type Encoding = 'default' | 'json' | null;

/** An end of a channel, wherever it is now. */
interface End {
  /** The number of its channel. An end travels only over channels of lower numbers, so that none travels over itself. */
  readonly channel: number;
  readonly encoding: Encoding;
  handle: ChannelReader | ChannelWriter | Channel;
  readonly sends: Line | undefined;
  readonly receives: Line | undefined;
  state: 'here' | 'moving' | 'closed';
  /** The calls that `closed` watches. */
  watched: Watched[];
}

const CODES_OF_ENDS = ['ERR_AIOPIPE_END_OF_STREAM', 'ERR_AIOPIPE_INCOMPLETE_READ', 'EPIPE', 'ENOBUFS', 'EMFILE'];

const realTurn = setImmediate;
/** Resolves when all settled promises have called back. */
export const settle = (): Promise<void> => new Promise((resolve) => void realTurn(resolve));

export class World {
  readonly #codec: Codec;
  readonly #random: () => number;
  readonly #lines: Line[] = [];
  readonly #ends: End[] = [];
  readonly #watched: Watched[] = [];
  messages = 0;

  constructor(codec: Codec, random: () => number) {
    this.#codec = codec;
    this.#random = random;
    time.clear();
    time.perLook = this.#pick([0, 0, 0, 0.05, 1]);
    kernel.random = random;
    // The last size is more than a turn may write.
    kernel.capacity = this.#pick([100, 4096, 65_536, 300_000, 4_000_000]);
    kernel.moods = {
      short: this.#pick([0, 0.3, 0.9]),
      again: this.#pick([0, 0.2]),
      spurious: this.#pick([0, 0.2]),
      noBuffers: this.#pick([0, 0, 0.05]),
      lost: this.#pick([0, 0, 0.05]),
    };
    for (let i = this.#pick([1, 1, 2, 3]); i > 0; i--) this.#addChannel();
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)] as T;
  }

  #addChannel(): void {
    const encoding = this.#pick<Encoding>(['default', 'default', 'default', 'json', null]);
    const options = {
      encoder: encoding,
      decoder: encoding,
      queueLimit: this.#pick([undefined, 20_000]),
    };
    const common = { channel: this.#ends.length / 2, encoding, state: 'here' as const, watched: [] };
    const [there, back] = [new Line(this.#lines.length), new Line(this.#lines.length + 1)];
    if (this.#random() < 0.5) {
      const [reader, writer] = this.#codec.channel(options);
      this.#ends.push({ ...common, handle: reader, sends: undefined, receives: there });
      this.#ends.push({ ...common, handle: writer, sends: there, receives: undefined, watched: [] });
      this.#lines.push(there);
    } else {
      const [one, other] = this.#codec.channel({ ...options, duplex: true });
      this.#ends.push({ ...common, handle: one, sends: back, receives: there });
      this.#ends.push({ ...common, handle: other, sends: there, receives: back, watched: [] });
      this.#lines.push(there, back);
    }
  }

  /** Lets one thing happen. */
  async step(): Promise<void> {
    const end = this.#pick(this.#ends);
    const chance = this.#random() * 100;
    if (chance < 22) this.#put(end);
    else if (chance < 40) this.#get(end);
    else if (chance < 45) this.#tryGet(end);
    else if (chance < 80) kernel.deliver();
    else if (chance < 88) time.runImmediate();
    else if (chance < 92) time.fireTimer();
    else if (chance < 96) this.#abort(end);
    else if (chance < 97.5) this.#watch(end);
    else if (chance < 97.9) this.#close(end);
    else if (chance < 98) this.#dispose(end);
    else time.now += this.#random() * 5;
    if (this.#random() < 0.8) await settle();
  }

  #size(): number {
    const chance = this.#random();
    if (chance < 0.7) return Math.floor(this.#random() * 100);
    if (chance < 0.95) return Math.floor(this.#random() * Math.min(10_000, 5 * kernel.capacity));
    return Math.floor(this.#random() * Math.min(400_000, 50 * kernel.capacity));
  }

  #put(end: End): void {
    const { sends: line, handle, encoding } = end;
    if (line === undefined || end.state === 'moving') return;
    const writer = handle as ChannelWriter;
    const n = line.puts.length;
    const timeout = this.#pick([undefined, undefined, undefined, 0, 5]);
    const put: Put = {
      n,
      isLate: handle.isClosed,
      isAbortable: timeout !== undefined,
      controller: new AbortController(),
      wasDisposed: false,
    };
    line.puts.push(put);
    const body = bodyOf(n, this.#size());
    const moving = encoding === 'default' && this.#random() < 0.1 ? this.#movable(end) : undefined;
    const message = encode(encoding, {
      line: line.id,
      n,
      body,
      ...(moving && { handle: moving.handle, end: this.#ends.indexOf(moving) }),
    });
    const limits = this.#random() < 0.7 ? undefined : { timeout, signal: put.controller.signal };
    if (this.#random() < 0.1) this.#putSoon(writer, message, put);
    else
      hear(writer.put(message, limits), put, undefined, (code) => {
        if (code === 'ENOBUFS') this.#broke(end, code);
      });
    if (moving?.handle.isClosed === true) {
      moving.state = 'moving';
      for (const watched of moving.watched) watched.isOurs = true;
    }
  }

  #putSoon(writer: ChannelWriter, message: unknown, put: Put): void {
    try {
      this.#codec.putSoon(writer, message);
      // No call reports when it is sent.
      put.outcome = { code: 'ABORT_ERR', error: new Error('put soon') };
      put.controller.abort();
    } catch (error) {
      put.outcome = failureOf(error);
    }
  }

  /** Returns an end that can travel over this one. */
  #movable({ channel }: End): End | undefined {
    return this.#pick(this.#ends.filter((end) => end.channel > channel && end.state === 'here'));
  }

  #get(end: End, isLimited = this.#random() < 0.4): void {
    const { receives: line, handle } = end;
    if (line === undefined || end.state === 'moving') return;
    const reader = handle as ChannelReader;
    const timeout = this.#pick([undefined, undefined, 0, 5]);
    const isRough = this.#random() < 0.2;
    const get = this.#newGet(end, line, isLimited ? timeout : undefined);
    const limits = { timeout: isLimited ? timeout : undefined, signal: get.controller.signal };
    const promise = !isLimited && isRough ? nextOf(reader) : reader.get(limits);
    hear(
      promise,
      get,
      (message) => this.#take(message, end.encoding),
      (code) => {
        if (code === 'EMFILE') this.#broke(end, code);
      },
    );
  }

  #newGet({ handle }: End, line: Line, timeout: number | undefined): Get {
    const get: Get = { isLate: handle.isClosed, timeout, controller: new AbortController(), wasDisposed: false };
    line.gets.push(get);
    return get;
  }

  #tryGet(end: End): void {
    const { receives: line, handle, encoding } = end;
    if (line === undefined || end.state === 'moving') return;
    const get = this.#newGet(end, line, undefined);
    try {
      const found = (handle as ChannelReader).tryGet();
      if (found === undefined) line.gets.pop();
      else get.outcome = { value: this.#take(found.value, encoding) };
    } catch (error) {
      const failure = (get.outcome = failureOf(error));
      if (failure.code === 'EMFILE') this.#broke(end, failure.code);
    }
  }

  /** Notes a message that came: its handle is here from now on. */
  #take(value: unknown, encoding: Encoding): Message {
    const message = decode(encoding, value);
    this.messages++;
    if (message.end === undefined) return message;
    const end = this.#ends[message.end] as End;
    end.handle = message.handle as End['handle'];
    end.state = 'here';
    end.watched = [];
    return message;
  }

  /** Aborts a call. */
  #abort({ sends, receives }: End): void {
    const calls = [...(sends?.puts ?? []), ...(receives?.gets ?? [])].filter(({ outcome }) => outcome === undefined);
    this.#pick(calls)?.controller.abort(new Error('the test’s'));
  }

  #watch(end: End): void {
    if (end.state !== 'here') return;
    const watched: Watched = { isOurs: false };
    end.watched.push(watched);
    this.#watched.push(watched);
    hear(end.handle.closed, watched);
  }

  #close(end: End): boolean {
    if (end.state !== 'here') return true;
    try {
      end.handle.close();
    } catch (error) {
      const puts = end.sends?.puts ?? [];
      const isBusy =
        [...puts, ...(end.receives?.gets ?? [])].some(({ outcome }) => outcome === undefined) ||
        puts.some(({ outcome }) => outcome !== undefined && 'code' in outcome);
      check(failureOf(error).code === 'ERR_AIOPIPE_BUSY' && isBusy, `close(): ${String((error as Error).stack)}`);
      return false;
    }
    this.#ended(end);
    return true;
  }

  #dispose(end: End): void {
    if (end.state !== 'here') return;
    for (const call of [...(end.sends?.puts ?? []), ...(end.receives?.gets ?? [])]) call.wasDisposed = true;
    end.handle[Symbol.dispose]();
    if (end.sends !== undefined) end.sends.isCut = true;
    this.#ended(end);
  }

  #ended(end: End): void {
    end.state = 'closed';
    for (const watched of end.watched) watched.isOurs = true;
    if (end.receives !== undefined) end.receives.isUnread = true;
  }

  /** Notes that the system's failure has closed an end, or only its sending side. */
  #broke(end: End, code: string): void {
    if (end.sends !== undefined) end.sends.isCut = true;
    if (code !== 'EMFILE' || end.state !== 'here') return;
    for (const call of [...(end.sends?.puts ?? []), ...(end.receives?.gets ?? [])]) call.wasDisposed = true;
    if (end.receives !== undefined) end.receives.isCut = true;
    this.#ended(end);
  }

  /** Ends the world without further faults: takes all messages, closes all ends, and checks that nothing is left. */
  async end(): Promise<void> {
    kernel.moods = CALM;
    time.perLook = 0;
    for (let before = -1; before < this.messages;) {
      before = this.messages;
      for (const end of this.#ends) await this.#read(end);
    }
    for (const end of this.#ends) {
      if (end.state === 'here' && end.receives !== undefined) end.receives.isRead = true;
      // The end was on its way in a message that is lost.
      if (end.state === 'moving') this.#lose(end);
    }
    for (const end of this.#ends) {
      await this.#read(end);
      if (end.state !== 'here') continue;
      if (end.sends !== undefined) {
        const drained: Watched = { isOurs: false };
        hear((end.handle as ChannelWriter).drain(), drained);
        await this.#calm();
        const outcome = drained.outcome as Outcome | undefined;
        check(outcome !== undefined, 'drain() never settles');
        if ('code' in outcome) this.#broke(end, outcome.code);
      }
      // The step of a loop over messages cannot be aborted.
      if (end.receives?.gets.some(({ outcome }) => outcome === undefined) === true) this.#dispose(end);
      else check(this.#close(end), 'an idle end cannot be closed');
    }
    // The next world begins a turn of its own.
    void this.#codec.nextShare();
    await this.#calm();
    for (const line of this.#lines) line.judge();
    for (const { outcome } of this.#watched) {
      const isRight = outcome !== undefined && ('value' in outcome || CODES_OF_ENDS.includes(outcome.code));
      check(isRight, `closed: ${JSON.stringify(outcome)}`);
    }
    const left = [...kernel.leftovers(), ...(time.timers > 0 ? [`${String(time.timers)} timers`] : [])];
    check(left.length === 0, `left over: ${left.join('; ')}`);
  }

  #lose(end: End): void {
    end.state = 'closed';
    if (end.sends !== undefined) end.sends.isCut = true;
    if (end.receives !== undefined) end.receives.isUnread = true;
  }

  /** Takes all messages that have come. */
  async #read(end: End): Promise<void> {
    if (end.receives === undefined) return;
    const { gets } = end.receives;
    while (end.state === 'here') {
      const count = gets.length;
      this.#get(end, false);
      await this.#calm();
      const outcome = gets[count]?.outcome;
      if (outcome === undefined || 'code' in outcome) break;
    }
    for (const get of gets) if (get.outcome === undefined) get.controller.abort();
    await settle();
  }

  /** Runs the event loop until nothing more happens. */
  async #calm(): Promise<void> {
    for (let round = 0; ; round++) {
      check(round < 100_000, 'the loop never comes to rest');
      await settle();
      const isBusy = [time.runImmediate(), kernel.deliver(), time.fireTimer()].includes(true);
      if (!isBusy) break;
    }
    await settle();
  }
}

interface Watched {
  outcome?: Outcome;
  isOurs: boolean;
}

function hear<T>(
  promise: Promise<T>,
  call: { outcome?: Outcome },
  take: (value: T) => unknown = (value) => value,
  failed?: (code: string) => void,
): void {
  promise.then(
    (value) => {
      check(call.outcome === undefined, 'a call is settled twice');
      call.outcome = { value: take(value) };
    },
    (error: unknown) => {
      check(call.outcome === undefined, 'a call is settled twice');
      const failure = failureOf(error);
      call.outcome = failure;
      failed?.(failure.code);
    },
  );
}

function failureOf(error: unknown): Outcome & { code: string } {
  return { code: String((error as { code?: string }).code), error: error as Error };
}

async function nextOf(reader: AsyncIterable<unknown>): Promise<unknown> {
  const { done, value } = await reader[Symbol.asyncIterator]().next();
  if (done === true) throw Object.assign(new Error('the loop ended'), { code: 'ERR_AIOPIPE_END_OF_STREAM' });
  return value;
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

function encode(encoding: Encoding, message: Message): unknown {
  const { line, n, body } = message;
  if (encoding === 'json') return { line, n, body: (body as Buffer).toString('latin1') };
  if (encoding === 'default') return message;
  const head = Buffer.alloc(8);
  head.writeUInt32BE(line);
  head.writeUInt32BE(n, 4);
  return Buffer.concat([head, body as Buffer]);
}

function decode(encoding: Encoding, value: unknown): Message {
  if (encoding !== null) return value as Message;
  const bytes = value as Buffer;
  return { line: bytes.readUInt32BE(0), n: bytes.readUInt32BE(4), body: bytes.subarray(8) };
}
