import { EncodeError, serialize, type DecodeError } from '@aiopipe/codec';
import { SystemError } from '@aiopipe/core';
import { type Worker, type WorkerOwner } from '../../src/pool/worker.js';
import {
  CALL,
  CANCEL,
  ERROR,
  HEARD,
  ITEM,
  READY,
  STREAM,
  TAKEN,
  TARGET,
  VALUE,
  type Ask,
  type TaskKind,
} from '../../src/worker/protocol.js';

/** What a caller asks for with a simulated task. */
export interface Wish {
  readonly kind: 'plain' | 'once' | 'unsendable';
  /** The number of the target that is called. */
  readonly target: number;
  readonly priority: number;
  readonly key: string | undefined;
}

/** The argument of a simulated task. */
export class Item {
  /** It waits from when it is asked for until it is first sent, unless its caller stops it. */
  hasLeftQueue = false;
  isSent = false;
  /** How often a worker was lost that had begun with it. */
  losses = 0;
  /** How often a worker began with it. */
  runs = 0;

  constructor(
    readonly id: number,
    readonly wish: Wish,
    readonly calledAt: number,
  ) {}

  /** Whether the scheduler must choose it before another one, if any worker can do both. */
  isBefore(other: Item): boolean {
    const [mine, its] = [this, other].map(({ calledAt, wish }) => calledAt - wish.priority * 1000) as [number, number];
    return mine < its || (mine === its && this.id < other.id);
  }
}

/** What the workers of one pool can see together: which of them a key belongs to, and which tasks wait. */
export class Fairness {
  readonly #owners = new Map<string, SimulatedWorker>();
  /** Those that no caller can stop. */
  readonly waiting = new Set<Item>();

  /** A task is about to be sent. */
  judge(item: Item, worker: SimulatedWorker): void {
    const { key } = item.wish;
    item.hasLeftQueue = true;
    this.waiting.delete(item);
    if (key === undefined) {
      for (const other of this.waiting)
        check(!other.isBefore(item), `task ${String(item.id)} is sent before task ${String(other.id)}`);
      return;
    }
    const owner = this.#owners.get(key);
    const isFree = owner === undefined || owner.isGone || ((owner.isEnding || owner.isDead) && !owner.isAtTask);
    check(isFree || owner === worker, `${worker.name} gets a task of key ${key}, which ${owner?.name ?? ''} has`);
    this.#owners.set(key, worker);
  }
}

interface Order {
  readonly number: number;
  readonly kind: TaskKind;
  readonly item: Item;
}

/** Throws: the scheduler did what it must not. */
export function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/**
 * A worker without a process: what a child would do happens when the test says so, and also what no child should do. It holds
 * the scheduler to what a worker can expect.
 */
export class SimulatedWorker implements Worker {
  readonly pid = 1;
  readonly exit = { exitCode: null, signalCode: null, usage: undefined };
  readonly closed: Promise<void>;
  #close!: () => void;
  #claims: number[] = [];
  #incoming: Ask[] = [];
  #orders: Order[] = [];
  #count = 0;
  #owed: number | undefined;
  #current: Order | undefined;
  #isCancelled = false;
  /** The numbers of the targets that it knows. */
  readonly #targets = new Set([0]);
  /** By the numbers of their orders. */
  readonly #sent: Item[] = [];
  /** Numbers that were claimed and whose answer was not heard. */
  readonly #begun = new Set<number>();
  /** The messages that it has sent and the parent has not read. */
  #outgoing: { readonly message: unknown; readonly isWrong: boolean; readonly answers?: number }[] = [];
  #isPaused = false;
  #hasLied = false;
  /** Whether the parent ignores its messages from now on. */
  #isMute = false;
  #isReady = false;
  /** How many of the parent's TAKEN it has not heard the answer to. */
  #unanswered = 0;
  #sendFailure: Error | undefined;
  /** The next of these calls fails. */
  failsToSend = false;
  failsToOffer = false;
  failsToTakeBack = false;
  isKilled = false;
  isRetired = false;
  isTerminated = false;
  isDead = false;
  isGone = false;

  constructor(
    readonly name: string,
    readonly owner: WorkerOwner,
    readonly fairness: Fairness,
  ) {
    this.closed = new Promise((resolve) => (this.#close = resolve));
  }

  send(ask: Ask): boolean {
    check(!this.isKilled && !this.isRetired && !this.isGone, `${this.name} is sent ${String(ask[0])} after its end`);
    if (ask[0] === TAKEN) this.#unanswered++;
    else if (ask[0] === CALL || ask[0] === STREAM) this.#sent.push(this.#encoded(ask[1][0] as Item));
    if (this.failsToSend) {
      this.failsToSend = false;
      this.#sendFailure = new SystemError(-105, 'sendmsg', 'a simulated channel');
    }
    if (this.#sendFailure !== undefined) return false;
    if (!this.isDead) this.#incoming.push(ask);
    return true;
  }

  #encoded(item: Item): Item {
    if (!item.hasLeftQueue || item.wish.key !== undefined) this.fairness.judge(item, this);
    return encoded(item);
  }

  offer(number: number): void {
    check(!this.isKilled && !this.isRetired && !this.isGone, `${this.name} is offered something after its end`);
    if (this.failsToOffer) throw new SystemError(-11, 'write', 'simulated claims');
    this.#claims.push(number);
  }

  takeBack(): Set<number> {
    if (this.failsToTakeBack) throw new SystemError(-12, 'read', 'simulated claims');
    return new Set(this.#claims.splice(0));
  }

  retire(): void {
    this.isRetired = true;
  }

  terminate(): void {
    this.isTerminated = true;
  }

  kill(): void {
    this.isKilled = true;
    this.#outgoing = [];
  }

  hold(): void {
    // Nothing waits here.
  }

  /** Whether it has begun a task, and the parent has not heard the answer. */
  get isAtTask(): boolean {
    return [...this.#begun].some((number) => this.#sent[number] !== undefined);
  }

  /** Whether it is to end, by itself or by a signal. */
  get isEnding(): boolean {
    return this.isKilled || this.isRetired || this.isTerminated;
  }

  /** The child does one more thing of what it should. */
  work(random: () => number): void {
    if (this.isDead || this.isKilled) return;
    if (!this.#isReady) {
      this.#isReady = true;
      this.#say([READY]);
    } else if (this.#incoming.length > 0 && random() < 0.7) {
      this.#obey(this.#incoming.shift() as Ask);
    } else if (this.#current === undefined) {
      this.#begin();
    } else {
      this.#proceed(this.#current, random);
    }
  }

  #obey(ask: Ask): void {
    if (ask[0] === CANCEL) {
      this.#isCancelled ||= ask[1] === this.#current?.number;
    } else if (ask[0] === TAKEN) {
      this.#orders = [];
      this.#say([HEARD]);
    } else if (ask[0] === TARGET) {
      check(!this.#targets.has(ask[1]), `${this.name} is told twice of target ${String(ask[1])}`);
      this.#targets.add(ask[1]);
    } else {
      const [kind, [item], target = 0] = ask as readonly [TaskKind, readonly Item[], number?];
      check(this.#targets.has(target), `${this.name} does not know target ${String(target)}`);
      check(item?.wish.target === target, `task ${String(item?.id)} calls another target than its own`);
      this.#orders.push({ number: this.#count++, kind, item: item as Item });
    }
  }

  #begin(): void {
    if (this.#orders.length === 0) return;
    const number = this.#owed ?? this.#claims.shift();
    if (number === undefined) return;
    this.#begun.add(number);
    while (this.#orders.length > 0 && this.#orders[0]?.number !== number) this.#orders.shift();
    this.#current = this.#orders.shift();
    this.#isCancelled = false;
    this.#owed = this.#current === undefined ? number : undefined;
    if (this.#current === undefined) return;
    this.#current.item.runs++;
  }

  #proceed({ number, kind, item }: Order, random: () => number): void {
    if (kind !== CALL && !this.#isCancelled && random() < 0.6) {
      this.#say([ITEM, number, item.id]);
      return;
    }
    if (this.#isCancelled && random() < 0.3) return;
    const isLarge = random() < 0.03 ? [true] : [];
    if (random() < 0.8) this.#say([VALUE, number, item.id, ...isLarge], number);
    else this.#say([ERROR, number, serialize(new RangeError(`of ${String(item.id)}`)), ...isLarge], number);
    this.#current = undefined;
  }

  #say(message: unknown, answers?: number): void {
    this.#outgoing.push({ message, isWrong: false, ...(answers === undefined ? {} : { answers }) });
  }

  /** The child says what it must not. */
  lie(random: () => number): void {
    if (this.isDead || this.isKilled) return;
    this.#hasLied = true;
    const number = this.#current?.number ?? 4e9;
    const lies: unknown[] = [
      null,
      undefined,
      5,
      'VALUE',
      {},
      [],
      [99, number, 'FORGED'],
      [VALUE, number],
      [VALUE, String(number), 'FORGED'],
      [VALUE, number + 1, 'FORGED'],
      [VALUE, number - 1, 'FORGED'],
      [VALUE, NaN, 'FORGED'],
      [VALUE, number, 'FORGED', 'large'],
      [ERROR, number, 'FORGED'],
      [ITEM, number + 1, 'FORGED'],
    ];
    if (this.#current?.kind === CALL) lies.push([ITEM, number, 'FORGED']);
    if (this.#current === undefined) lies.push([VALUE, number, 'FORGED'], [ITEM, number, 'FORGED']);
    if (this.#isReady) lies.push([READY]);
    lies.push([HEARD], [HEARD]);
    this.#outgoing.push({ message: lies[Math.floor(random() * lies.length)], isWrong: true });
  }

  /** The parent reads the next message. */
  deliver(): void {
    if (this.#isPaused || this.#isMute || this.isKilled || this.isGone) return;
    const [next] = this.#outgoing.splice(0, 1);
    if (next === undefined) return;
    if (next.answers !== undefined) this.#begun.delete(next.answers);
    // One that comes too early answers the parent's next TAKEN, as far as the parent can see. Then the true one comes too late.
    const isHeard = Array.isArray(next.message) && next.message[0] === HEARD;
    const isWrong = isHeard ? this.#unanswered === 0 : next.isWrong;
    if (isHeard && !isWrong) this.#unanswered--;
    const taken = this.owner.heard(next.message);
    check(!isWrong || this.isKilled || this.isDead, `${this.name} lives after ${JSON.stringify(next.message)}`);
    // After its end nobody can see that from outside, but what follows a lie doesn't count.
    if (this.isDead && this.#hasLied) this.#mute();
    if (taken === undefined) return;
    this.#isPaused = true;
    void taken.then(() => (this.#isPaused = false));
  }

  /** The parent reads what it can't build. */
  deliverUnreadable(error: DecodeError): void {
    if (this.#isPaused || this.#isMute || this.isKilled || this.isGone || this.#current === undefined) return;
    if (this.#outgoing.length > 0 || !this.#begun.has(this.#current.number)) return;
    const { number, kind } = this.#current;
    if (kind === CALL) {
      this.#begun.delete(number);
      this.#current = undefined;
    }
    void this.owner.heard(error);
  }

  #mute(): void {
    this.#isMute = true;
    this.#outgoing = [];
  }

  /** A failed send or receive is told of. */
  tellFailure(receives: boolean): void {
    if (receives) this.#sendFailure ??= new SystemError(-105, 'recvmsg', 'a simulated channel');
    if (this.#sendFailure === undefined || this.isKilled || this.isGone) return;
    this.#mute();
    this.owner.broke(this.#sendFailure);
    check(this.isKilled || this.isDead, `${this.name} lives, though its channel is broken`);
  }

  /** The process ends. What it had said before is still to be heard. */
  die(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#incoming = [];
    this.owner.ended(this.isEnding ? undefined : new Error('it died'));
    check(
      this.#claims.length === 0 || this.failsToTakeBack,
      `${this.name} has ended, and its claims were not taken back`,
    );
    // The parent cannot know that the worker has not begun these.
    for (const number of this.#claims.splice(0)) this.#begun.add(number);
  }

  /** All is heard. False: not yet. */
  finish(): boolean {
    if (!this.isDead || this.isGone || this.#isPaused) return this.isGone;
    if (this.#outgoing.length > 0) return false;
    this.isGone = true;
    for (const number of this.#begun) {
      // One that was offered, and could not be sent then, is nobody's.
      const item = this.#sent[number];
      if (item !== undefined) item.losses++;
    }
    this.owner.gone();
    this.#close();
    return true;
  }
}

function encoded(item: Item): Item {
  const { kind } = item.wish;
  if (kind === 'unsendable' || (kind === 'once' && item.isSent))
    throw new EncodeError('value[1][0]', 'is of no use to anybody else');
  item.isSent = true;
  return item;
}
