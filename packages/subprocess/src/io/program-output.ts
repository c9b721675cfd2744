import { AbortError, ClosedError, TimeoutError, type PipeReader, type ReadEnd } from '@aiopipe/core';
import { now } from '@aiopipe/core/internal';

/** Bytes that one system call of the reader brings. */
const CHUNK = 256 * 1024;
/** Milliseconds: a timeout that lets the event loop look once. */
const ONE_LOOK = 1;

/**
 * The output of programs, read here until all of them have closed their side. A process that they left behind may hold it
 * open: after the last of them has ended, it is waited for no longer than the grace period.
 */
export class ProgramOutput implements AsyncIterator<Buffer, undefined, Buffer | undefined> {
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

  /** @param room - memory to put the chunk into; without it the chunk is the caller's to keep */
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
    // An event loop that was blocked sees the timeout before it sees the bytes that came meanwhile.
    const chunk = this.#hadLastLook ? undefined : await this.#read(room, ONE_LOOK);
    this.#hadLastLook = true;
    return chunk ?? Buffer.alloc(0);
  }

  /** Resolves with no bytes at the end; with undefined if nothing came in time, or the programs have ended meanwhile. */
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

  /** Yields the bytes that have arrived and waits for no more, when the programs have ended or cannot be ended. */
  finish(): void {
    this.#grace = 0;
    this.#hasExited = true;
    this.#interrupt.abort();
    this.#hurry.abort();
  }

  /** Closes it, also while a read waits: a program that writes on meets a closed pipe. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#reader[Symbol.dispose]();
    return Promise.resolve({ done: true, value: undefined });
  }
}
