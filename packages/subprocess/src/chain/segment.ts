import { type Feed } from '../io/feed.js';

/** Neighbouring programs that the kernel joins, and the feed of the first one. */
export class Segment {
  readonly #feed: Feed | undefined;
  readonly #exits: Promise<unknown>[] = [];

  constructor(feed: Feed | undefined) {
    this.#feed = feed;
  }

  /** @param exited - must not reject */
  add(exited: Promise<unknown>): void {
    this.#exits.push(exited);
  }

  /** Resolves when all programs that it has now have ended: then the first one needs no more input. */
  async ended(): Promise<void> {
    await Promise.all(this.#exits);
    this.#feed?.stop();
  }
}
