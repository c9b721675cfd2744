import { types } from 'node:util';
import { describeValue, handled, show, SiteWarnings, type OwnedFd } from '@aiopipe/core/internal';
import { type ListenOptions, type Peer } from './options.js';

const warnings = new SiteWarnings('AIOPIPE_ALLOW_FAILED', (origin, count, first) =>
  count === 1 ? first : `${first} (${String(count)} times, for hubs ${origin})`,
);

/** Decides which processes may connect to a hub. */
export class Admission {
  readonly #allow: ListenOptions['allow'];
  readonly #hub: OwnedFd;

  constructor(allow: ListenOptions['allow'], hub: OwnedFd) {
    this.#allow = allow;
    this.#hub = hub;
  }

  /** Returns true only for a clear yes. Never throws. */
  admits(peer: Peer): boolean {
    // Asked each time: a process often gives up its rights after it began to listen.
    if (this.#allow === undefined) return peer.uid === process.geteuid?.();
    try {
      const answer: unknown = this.#allow(peer);
      if (typeof answer === 'boolean') return answer;
      if (types.isPromise(answer)) void handled(answer);
      this.#tell(`returned ${types.isPromise(answer) ? 'a promise' : show(answer)}; it must return true or false`);
    } catch (error) {
      this.#tell(`threw ${describeValue(error)}`);
    }
    return false;
  }

  #tell(failure: string): void {
    const about = `${this.#hub.toString()}: allow() ${failure}. The connection was refused`;
    warnings.note(this.#hub.origin, about);
  }
}
