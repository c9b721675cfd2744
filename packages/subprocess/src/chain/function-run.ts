import { AbortError } from '@aiopipe/core';
import { Timer } from '@aiopipe/core/internal';
import { show } from '../program/command.js';
import { isChunk, isIterable, toBytes, type InputChunk } from '../io/chunks.js';
import { type Inlet, type StageInput } from '../io/inlet.js';
import { type StageResult } from './stage.js';

/** What a function of a chain gives on: pieces one after the other, one piece, or nothing. A string goes as UTF-8. */
export type StageOutput = AsyncIterable<InputChunk> | Iterable<InputChunk> | InputChunk | undefined;

/**
 * A stage of a chain that runs here, most often an async generator: it reads `input` and yields bytes or strings. It is
 * asked for no more than the stage after it takes, and takes no more than it asks for.
 *
 * When it ends, its input is closed. When nobody wants its output any more, `signal` is aborted, a read of `input`
 * rejects, and a `yield` doesn't come back, but its `finally` runs. None of that is a failure; a throw is.
 */
export type StageFunction = (
  input: StageInput,
  signal: AbortSignal,
) => StageOutput | void | Promise<StageOutput | void>;

/** One call of a function of a chain. It starts when its first output is asked for. */
export class FunctionRun implements AsyncIterableIterator<Buffer, undefined> {
  /** Resolves when it has ended, or was stopped and did not end for as long as the grace. */
  readonly done: Promise<void>;
  /** What it threw. */
  failure: { readonly reason: unknown } | undefined;
  bytesWritten = 0;
  readonly #name: string;
  readonly #transform: StageFunction;
  readonly #input: Inlet;
  readonly #grace: number;
  readonly #onFailure: () => void;
  readonly #abort = new AbortController();
  readonly #output: AsyncGenerator<Buffer, undefined, undefined>;
  #settle!: () => void;

  constructor(transform: StageFunction, name: string, input: Inlet, grace: number, onFailure: () => void) {
    this.#transform = transform;
    this.#name = name;
    this.#input = input;
    this.#grace = grace;
    this.#onFailure = onFailure;
    this.done = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#output = this.#run();
  }

  get bytesRead(): number {
    return this.#input.bytes;
  }

  get result(): StageResult {
    const { failure } = this;
    return {
      name: this.#name,
      argv: undefined,
      pid: process.pid,
      exitCode: failure === undefined ? 0 : 1,
      signalCode: null,
      resourceUsage: { userCPUTime: 0, systemCPUTime: 0, maxRSS: 0 },
      stderr: undefined,
      ...(failure !== undefined && { error: failure.reason }),
    };
  }

  async *#run(): AsyncGenerator<Buffer, undefined, undefined> {
    try {
      const output = await this.#transform(this.#input, this.#abort.signal);
      for await (const chunk of piecesOf(output, this.#name)) {
        const bytes = toBytes(chunk, this.#name);
        this.bytesWritten += bytes.length;
        yield bytes;
      }
    } catch (reason) {
      if (!this.#abort.signal.aborted) {
        this.failure = { reason };
        // Before anyone hears of an end: the programs after it must not take what they have for all of it.
        this.#onFailure();
      }
    } finally {
      void this.#input.return();
      this.#settle();
    }
    return undefined;
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    return this.#output.next();
  }

  /** Nobody wants its output any more. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.stop(new AbortError(`${this.#name}: nobody reads its output any more`));
    return Promise.resolve({ done: true, value: undefined });
  }

  stop(reason: Error): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(reason);
    this.#input.stop(reason);
    void this.#output.return(undefined).then(this.#settle, this.#settle);
    const timer = new Timer(this.#settle, this.#grace);
    void this.done.then(() => {
      timer.cancel();
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function piecesOf(output: unknown, name: string): Iterable<InputChunk> | AsyncIterable<InputChunk> {
  if (output === undefined) return [];
  if (isChunk(output)) return [output];
  if (isIterable(output)) return output;
  throw new TypeError(
    `${name}: expected bytes, a string, an iterable of those or undefined from the function, not ${show(output)}`,
  );
}
