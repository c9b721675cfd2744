import { closeWhenDropped, forget } from '../fd/collector.js';
import { type OwnedFd } from '../fd/owned-fd.js';
import { ClosedError } from '../errors.js';

/**
 * An end that `detach()` has lent to the spawn of a child process. The end of its scope closes it here.
 *
 * @example
 * ```ts
 * import { aiopipe } from '@aiopipe/core';
 * import { spawn } from 'node:child_process';
 *
 * const [rx, tx] = aiopipe();
 * tx.detach((child) => spawn('echo', ['hello'], { stdio: ['ignore', child.fd, 'inherit'] }));
 * await using reader = rx.open();
 * console.log(String(await reader.read()).trim());
 * ```
 * ```text
 * hello
 * ```
 */
export class DetachedEnd implements Disposable {
  readonly #owned: OwnedFd;

  private constructor(owned: OwnedFd) {
    this.#owned = owned;
    closeWhenDropped(this, owned);
  }

  /** @internal */
  static make(owned: OwnedFd): DetachedEnd {
    return new DetachedEnd(owned);
  }

  /** The descriptor to pass to the spawn. Throws {@link ClosedError} after the scope has ended. */
  get fd(): number {
    if (this.#owned.number < 0)
      throw new ClosedError(`${this.#owned.toString()} is closed: the scope of its detach() ended`);
    return this.#owned.number;
  }

  [Symbol.dispose](): void {
    forget(this);
    this.#owned.close();
  }
}
