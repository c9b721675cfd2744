import { describeValue } from '@aiopipe/core/internal';
import { MAX_CONNECTS, type FromSibling } from './protocol.js';

/** Checks what a child says about channels to and from its siblings, and follows what it waits for. */
export class SiblingRules {
  #connects = 0;
  /** The numbers of the connects without an answer. */
  readonly #waiting = new Set<number>();
  /** `offered`: a connection was sent, and the child has not said whether it takes it. */
  #accept: 'none' | 'asked' | 'offered' = 'none';

  faultOf(message: { readonly kind: unknown; readonly [field: string]: unknown }): string | undefined {
    const { kind, number, to, key } = message;
    if (kind === 'connect') {
      if (number !== this.#connects) return '"connect" with the number of another one';
      if (typeof to !== 'string') return `"connect" to ${describeValue(to)}`;
      if (key !== undefined && typeof key !== 'string' && !Number.isSafeInteger(key))
        return '"connect" with a wrong key';
      if (this.#waiting.size === MAX_CONNECTS) return `"connect" while ${String(MAX_CONNECTS)} others wait`;
    } else if (kind === 'withdraw') {
      // Its answer may be on its way.
      const isKnown = Number.isSafeInteger(number) && (number as number) >= 0 && (number as number) < this.#connects;
      if (!isKnown) return '"withdraw" without a "connect"';
    } else if (kind === 'accept' && this.#accept !== 'none') return '"accept" while another one waits';
    else if ((kind === 'took' || kind === 'declined') && this.#accept !== 'offered')
      return `${describeValue(kind)} without a "connection"`;
    return undefined;
  }

  moveOn(message: FromSibling): void {
    if (message.kind === 'connect') {
      this.#waiting.add(message.number);
      this.#connects++;
    } else if (message.kind === 'withdraw') this.#waiting.delete(message.number);
    else this.#accept = message.kind === 'accept' ? 'asked' : 'none';
  }

  /** The parent has answered a connect. */
  answered(number: number): void {
    this.#waiting.delete(number);
  }

  /** The child was sent a connection. */
  offered(): void {
    this.#accept = 'offered';
  }

  /** The child can get no connections. */
  acceptRefused(): void {
    this.#accept = 'none';
  }
}
