import { AiopipeError } from '@aiopipe/core';
import { type SiblingRules } from '../control/sibling-rules.js';
import { type FromSibling, type ToSibling } from '../control/protocol.js';
import { type ConnectRequest, type Siblings } from './siblings.js';

/** The parent's side of what one child asks for: channels to its siblings, and theirs to it. */
export class SiblingDesk {
  readonly #siblings: Siblings | undefined;
  readonly #rules: SiblingRules;
  readonly #tell: (message: ToSibling) => void;
  readonly #waiting = new Map<number, ConnectRequest>();

  /** Set while the child has not said whether it takes the connection that it was sent. */
  #settleOffer: ((isTaken: boolean) => void) | undefined;

  /** @param siblings - undefined if the child has no supervisor */
  constructor(siblings: Siblings | undefined, rules: SiblingRules, tell: (message: ToSibling) => void) {
    this.#siblings = siblings;
    this.#rules = rules;
    this.#tell = tell;
  }

  hear(message: FromSibling): void {
    if (message.kind === 'connect') this.#connect(message);
    else if (message.kind === 'accept') this.#accept();
    else if (message.kind === 'withdraw') this.#withdraw(message.number);
    else this.#settle(message.kind === 'took');
  }

  #connect({ number, to, key }: FromSibling & { kind: 'connect' }): void {
    const answer = (message: ToSibling) => {
      this.#waiting.delete(number);
      this.#rules.answered(number);
      this.#tell(message);
    };
    const request: ConnectRequest = {
      to,
      key,
      from: this.#siblings?.name,
      site: {},
      connected: (channel) => {
        answer({ kind: 'connected', number, channel });
      },
      refused: (error) => {
        answer({ kind: 'refused', number, ...reasonFor(error) });
      },
      waits: (why) => {
        this.#tell({ kind: 'waits', number, why });
      },
    };
    this.#waiting.set(number, request);
    if (this.#siblings === undefined) request.refused(noSupervisor());
    else this.#siblings.connect(request);
  }

  #withdraw(number: number): void {
    const request = this.#waiting.get(number);
    if (request === undefined) return;
    this.#waiting.delete(number);
    this.#siblings?.withdraw(request);
  }

  #accept(): void {
    if (this.#siblings === undefined) {
      this.#rules.acceptRefused();
      this.#tell({ kind: 'refused', ...reasonFor(noSupervisor()) });
      return;
    }
    this.#siblings.accept((channel, from, settle) => {
      this.#settleOffer = settle;
      this.#rules.offered();
      this.#tell({ kind: 'connection', from, channel });
    });
  }

  #settle(isTaken: boolean): void {
    const settle = this.#settleOffer;
    this.#settleOffer = undefined;
    settle?.(isTaken);
  }

  /** The child has ended, or its function has: it gets nothing more. */
  end(): void {
    for (const number of [...this.#waiting.keys()]) this.#withdraw(number);
    this.#siblings?.leave();
    this.#settle(false);
  }
}

function reasonFor(error: Error): { readonly code: string; readonly message: string } {
  const { code } = error as { readonly code?: unknown };
  return { code: String(code), message: error.message };
}

const noSupervisor = () =>
  new AiopipeError('ERR_AIOPIPE_NO_SUPERVISOR', 'this process has no siblings: no Supervisor started it');
