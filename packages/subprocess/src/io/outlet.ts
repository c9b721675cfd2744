import { AbortError, ClosedError, TimeoutError, type PipeReader, type ReadEnd } from '@aiopipe/core';
import { now } from '@aiopipe/core/internal';

/** As many bytes as one system call of the reader brings. */
const CHUNK = 256 * 1024;
/** A timeout that gives the event loop one chance to look. */
const ONE_LOOK = 1;

/**
 * What programs write that nobody else reads, until all have closed their side. Something that they left behind may
 * hold it: after the last of them has ended, at most the grace is spent waiting for more.
 */
export class Outlet implements AsyncIterator<Buffer, undefined, Buffer | undefined> {
  readonly #reader: PipeReader;
  #hasExited = false;
  /** Milliseconds of waiting that are left. */
  #grace: number;
  #hadLastLook = false;
  readonly #interrupt = new AbortController();
  readonly #hurry = new AbortController();

  /** @param exited - resolves when all of the programs have ended */
  constructor(end: ReadEnd, exited: Promise<unknown>, grace: number) {
    this.#reader = end.open();
    this.#grace = grace;
    void exited.then(() => {
      this.#hasExited = true;
      this.#interrupt.abort();
    });
  }

  /** @param room - where to put them; else it is memory that is the caller's to keep */
  async next(room?: Buffer): Promise<IteratorResult<Buffer, undefined>> {
    const chunk = (await this.#whileRunning(room)) ?? (await this.#afterwards(room));
    return chunk.length === 0 ? { done: true, value: undefined } : { done: false, value: chunk };
  }

  async #whileRunning(room: Buffer | undefined): Promise<Buffer | undefined> {
    while (!this.#hasExited) {
      const chunk = await this.#read(room, Infinity, this.#interrupt.signal);
      if (chunk !== undefined) return chunk;
    }
    return undefined;
  }

  async #afterwards(room: Buffer | undefined): Promise<Buffer> {
    while (this.#grace > 0) {
      const begin = now();
      const chunk = await this.#read(room, this.#grace, this.#hurry.signal);
      this.#grace -= now() - begin;
      if (chunk !== undefined) return chunk;
    }
    // An event loop that was blocked sees that the time has passed before it sees the bytes that came meanwhile.
    const chunk = this.#hadLastLook ? undefined : await this.#read(room, ONE_LOOK);
    this.#hadLastLook = true;
    return chunk ?? Buffer.alloc(0);
  }

  /** Empty at the end; undefined if nothing came in time, or the programs have ended meanwhile. */
  async #read(room: Buffer | undefined, timeout: number, signal?: AbortSignal): Promise<Buffer | undefined> {
    try {
      if (room === undefined) return await this.#reader.read(CHUNK, { timeout, signal });
      return room.subarray(0, await this.#reader.readInto(room, { timeout, signal }));
    } catch (error) {
      if (error instanceof ClosedError) return Buffer.alloc(0);
      if (error instanceof AbortError || error instanceof TimeoutError) return undefined;
      throw error;
    }
  }

  /** All of the programs have ended, or can't be ended: what is there is given, and nothing more is waited for. */
  finish(): void {
    this.#grace = 0;
    this.#hasExited = true;
    this.#interrupt.abort();
    this.#hurry.abort();
  }

  /** Closes it, also while a read waits: who writes on meets a closed pipe. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#reader[Symbol.dispose]();
    return Promise.resolve({ done: true, value: undefined });
  }
}
