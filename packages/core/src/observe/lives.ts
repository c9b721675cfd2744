import { diagnosticsChannel } from './diagnostics-channel.js';

/** Publishes the lives and the events of supervisors, pools or machines on `node:diagnostics_channel`. */
export class ObservedLives<Owner, Event> {
  readonly #kind: string;
  readonly #open;
  readonly #event;
  readonly #close;

  /** @param kind - names the owner in the messages, and is the middle of the channels' names */
  constructor(kind: string) {
    this.#kind = kind;
    this.#open = diagnosticsChannel(`aiopipe:${kind}.open`);
    this.#event = diagnosticsChannel(`aiopipe:${kind}.event`);
    this.#close = diagnosticsChannel(`aiopipe:${kind}.close`);
  }

  opened(owner: Owner): void {
    if (this.#open.hasSubscribers) this.#open.publish({ [this.#kind]: owner });
  }

  happened(owner: Owner, event: Event): void {
    if (this.#event.hasSubscribers) this.#event.publish({ [this.#kind]: owner, event });
  }

  closed(owner: Owner): void {
    if (this.#close.hasSubscribers) this.#close.publish({ [this.#kind]: owner });
  }
}
