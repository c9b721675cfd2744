import { CallScope } from './call-signal.js';
import { rpcServe, type RpcCall } from './events.js';

/** A call of the peer. */
export class IncomingCall extends CallScope {
  readonly id: number;
  /** Whether it has ended here: the functions of its arguments cannot be called any more. */
  isOver = false;
  /** Called when the caller is no longer interested. */
  onCancel: (() => void) | undefined;
  readonly #traced: RpcCall | undefined;
  /** How many items the caller takes. */
  #allowed = 0;
  #proceed: (() => void) | undefined;

  /** @param traced - the message of its events; undefined if nothing observes calls */
  constructor(id: number, traced: RpcCall | undefined) {
    super();
    this.id = id;
    this.#traced = traced;
  }

  succeeded(): void {
    if (this.#traced !== undefined) rpcServe.succeed(this.#traced);
  }

  failed(error: unknown): void {
    if (this.#traced !== undefined) rpcServe.fail(this.#traced, error);
  }

  allow(count: number): void {
    this.#allowed = Math.min(this.#allowed + count, Number.MAX_SAFE_INTEGER);
    this.#wake();
  }

  override cancel(reason: unknown): void {
    if (this.isCancelled) return;
    super.cancel(reason);
    this.onCancel?.();
    this.#wake();
  }

  /** Uses up one item. Returns false if the caller takes none now. */
  takeAllowance(): boolean {
    if (this.#allowed === 0) return false;
    this.#allowed--;
    return true;
  }

  /** Resolves when the caller takes more items, or is no longer interested. */
  news(): Promise<void> {
    return new Promise((resolve) => {
      this.#proceed = resolve;
    });
  }

  #wake(): void {
    this.#proceed?.();
    this.#proceed = undefined;
  }
}
