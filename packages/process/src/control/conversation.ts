import { type StandardSchema } from '@aiopipe/codec';
import { describeValue } from '@aiopipe/core/internal';
import { isOfSiblings, type FromChild } from './protocol.js';
import { SiblingRules } from './sibling-rules.js';

/** The state of a child, as its messages show it. The states are those of `protocol.ts`. */
type State = 'preparing' | 'idle' | 'ordered' | 'running' | 'reported';

/** The messages that a child may send in each state; it may send `uncaught` in every state. */
const MAY_SAY: Record<State, readonly unknown[]> = {
  preparing: ['idle', 'no-start'],
  idle: [],
  ordered: ['started', 'no-start'],
  running: ['ready', 'pong', 'result', 'error', 'connect', 'withdraw', 'accept', 'took', 'declined'],
  reported: ['pong'],
} satisfies Record<State, FromChild['kind'][]>;

/** The fields that messages of each kind may have besides `kind` and `of`. */
const FIELDS = new Map<unknown, readonly string[]>(
  Object.entries({
    idle: [],
    started: [],
    ready: [],
    pong: [],
    result: ['value'],
    error: ['error'],
    'no-start': ['error'],
    uncaught: ['error'],
    connect: ['number', 'to', 'key'],
    withdraw: ['number'],
    accept: [],
    took: [],
    declined: [],
  } satisfies Record<FromChild['kind'], string[]>),
);

const hasField = (kind: unknown, name: string): boolean =>
  name === 'kind' || name === 'of' || FIELDS.get(kind)?.includes(name) === true;

/** The parent's side of the protocol with one child: checks each message, and follows the child's state. */
export class Conversation {
  #state: State;
  /** The ids of the order that the child must answer, and of the order before it. */
  #order: number;
  #orderBefore: number | undefined;
  #isReady = false;
  #asked = 0;
  #answered = 0;
  /** What the child may say about its siblings. */
  readonly siblings = new SiblingRules();

  /** @param order - the id of the first order */
  constructor(order: number, isPreparation: boolean) {
    this.#order = order;
    this.#state = isPreparation ? 'preparing' : 'ordered';
  }

  /** The idle child was sent an order. */
  ordered(id: number): void {
    this.#orderBefore = this.#order;
    this.#order = id;
    this.#state = 'ordered';
  }

  /** The id of the next ping. It counts only once {@link pinged}. */
  get nextPing(): number {
    return this.#asked;
  }

  pinged(): void {
    this.#asked++;
  }

  /** Takes a message whose value cannot be built here. Returns false if the child's state does not allow a result. */
  unreadable(): boolean {
    if (this.#state !== 'running') return false;
    this.#state = 'reported';
    return true;
  }

  /** Given to the channel, so that the handles in a message that is refused are closed with it. */
  readonly schema: StandardSchema<FromChild> = {
    '~standard': {
      version: 1,
      vendor: 'aiopipe',
      validate: (message) => {
        const fault = this.#faultOf(message);
        if (fault !== undefined) return { issues: [{ message: fault }] };
        this.#moveOn(message as FromChild);
        return { value: message as FromChild };
      },
    },
  };

  #faultOf(message: unknown): string | undefined {
    if (typeof message !== 'object' || message === null) return `${describeValue(message)}, which is not a message`;
    const { kind, of, error } = message as { kind?: unknown; of?: unknown; error?: unknown };
    if (kind === 'error' || kind === 'no-start' || kind === 'uncaught') {
      if (!(error instanceof Uint8Array)) return `${JSON.stringify(kind)} without an error`;
    } else if (kind === 'result' && !Object.hasOwn(message, 'value')) return '"result" without a value';
    // Descriptors in a further field would stay open until the garbage collector finds them.
    const further = Object.keys(message).find((name) => !hasField(kind, name));
    if (further !== undefined) return `${describeValue(kind)} with ${describeValue(further)}`;
    if (kind === 'uncaught' && of === this.#orderBefore) return undefined;
    const mayKnowNoOrder = MAY_SAY[this.#state].includes('no-start');
    if (mayKnowNoOrder && of === undefined && (kind === 'no-start' || kind === 'uncaught')) return undefined;
    const expected = kind === 'pong' ? this.#answered : this.#order;
    if (kind !== 'uncaught') {
      if (!MAY_SAY[this.#state].includes(kind)) return `${describeValue(kind)} while it was ${this.#state}`;
      if (kind === 'ready' && this.#isReady) return '"ready" for the second time';
      if (kind === 'pong' && this.#answered === this.#asked) return '"pong" without a "ping"';
      const fault = this.siblings.faultOf(message as { kind: unknown });
      if (fault !== undefined) return fault;
    }
    return of === expected ? undefined : `${describeValue(kind)} with the id of another order`;
  }

  #moveOn(message: FromChild): void {
    const { kind } = message;
    if (isOfSiblings(message)) this.siblings.moveOn(message);
    else if (kind === 'idle') this.#state = 'idle';
    else if (kind === 'started') this.#state = 'running';
    else if (kind === 'ready') this.#isReady = true;
    else if (kind === 'pong') this.#answered++;
    else if (kind !== 'uncaught') this.#state = 'reported';
  }
}
