import { AbortError } from '@aiopipe/core';
import { LOOP_END, LoopIterator, show, Timer } from '@aiopipe/core/internal';
import { type ByteStream, type StageInput } from '../io/byte-stream.js';
import { isChunk, isIterable, toBytes, type InputChunk } from '../io/chunks.js';
import { type StageResult } from './result.js';
import { type ByteCounts, type Run, type Source } from './run.js';

/**
 * The output of a function of a chain: several chunks, one chunk, or nothing. A string is written as UTF-8.
 *
 * @see the example of {@link StageFunction}
 */
export type StageOutput = AsyncIterable<InputChunk> | Iterable<InputChunk> | InputChunk | undefined;

/**
 * A stage of a chain that runs in this process, most often an async generator: it reads `input` and yields bytes or
 * strings. Backpressure holds: a `yield` waits until the next stage reads.
 *
 * If the function ends, its input is closed. If its output is not read any more, `signal` is aborted, a read of `input`
 * rejects, and a `yield` does not return, but `finally` blocks run. This is no failure; if the function throws, it is one.
 *
 * @example
 * ```ts
 * import { pipeline, type StageFunction } from '@aiopipe/subprocess';
 *
 * const upper: StageFunction = async function* (input) {
 *   for await (const chunk of input) yield String(chunk).toUpperCase();
 * };
 * console.log((await pipeline(['echo', 'hello'], upper)).stdout.trim());
 * ```
 * ```text
 * HELLO
 * ```
 */
export type StageFunction = (
  input: StageInput,
  signal: AbortSignal,
) => StageOutput | void | Promise<StageOutput | void>;

/** One call of a function of a chain. It starts when its first output is asked for. */
export class FunctionRun extends LoopIterator<Buffer> implements Run {
  readonly name: string;
  readonly output: Source = { stdin: 'pipe', chunks: () => this };
  /** Resolves when it has ended, or did not end within the grace period after it was stopped. */
  readonly done: Promise<void>;
  readonly stderrDone = undefined;
  readonly filePosition = undefined;
  readonly #transform: StageFunction;
  readonly #input: ByteStream;
  readonly #grace: number;
  readonly #onFailure: () => void;
  readonly #abort = new AbortController();
  readonly #chunks: AsyncGenerator<Buffer, undefined, undefined>;
  #failure: { readonly reason: unknown } | undefined;
  #bytesWritten = 0;
  #settle!: () => void;

  /**
   * @param grace - milliseconds that the function may take to end after it was stopped
   * @param onFailure - called when it has thrown, before the end of its output can be seen
   */
  constructor(transform: StageFunction, name: string, input: ByteStream, grace: number, onFailure: () => void) {
    super();
    this.#transform = transform;
    this.name = name;
    this.#input = input;
    this.#grace = grace;
    this.#onFailure = onFailure;
    this.done = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#chunks = this.#run();
  }

  get byteCounts(): ByteCounts {
    return { bytesRead: this.#input.bytesRead, bytesWritten: this.#bytesWritten };
  }

  /** The value that the function threw. */
  get failure(): { readonly reason: unknown } | undefined {
    return this.#failure;
  }

  hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  get result(): StageResult {
    const failure = this.#failure;
    return {
      name: this.name,
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
      for await (const chunk of chunksOf(output, this.name)) {
        const bytes = toBytes(chunk, this.name);
        this.#bytesWritten += bytes.length;
        yield bytes;
      }
    } catch (reason) {
      if (!this.#abort.signal.aborted) {
        this.#failure = { reason };
        // Before the end is seen: the programs after it must not take what they have for all of it.
        this.#onFailure();
      }
    } finally {
      void this.#input.return();
      this.#settle();
    }
    return undefined;
  }

  override next(): Promise<IteratorResult<Buffer, undefined>> {
    return this.#chunks.next();
  }

  /** Ends the function, because its output is not read any more. */
  override return(): Promise<IteratorResult<Buffer, undefined>> {
    void this.stop(new AbortError(`${this.name}: the reader of its output left`));
    return Promise.resolve(LOOP_END);
  }

  stop(reason: unknown): Promise<void> {
    if (this.#abort.signal.aborted) return this.done;
    this.#abort.abort(reason);
    this.#input.stop(reason);
    void this.#chunks.return(undefined).then(this.#settle, this.#settle);
    const timer = new Timer(this.#settle, this.#grace);
    void this.done.then(() => {
      timer.cancel();
    });
    return this.done;
  }

  /** Closes its input, which is open if the function never started. */
  close(): void {
    void this.#input.return();
  }
}

function chunksOf(output: unknown, name: string): Iterable<InputChunk> | AsyncIterable<InputChunk> {
  if (output === undefined) return [];
  if (isChunk(output)) return [output];
  if (isIterable(output)) return output;
  throw new TypeError(
    `${name}: expected bytes, a string, an iterable of those or undefined from the function, not ${show(output)}`,
  );
}
