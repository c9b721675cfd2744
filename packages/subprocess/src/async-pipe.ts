import {
  AbortError,
  AiopipeError,
  AsyncFile,
  BusyError,
  ClosedError,
  TimeoutError,
  type AsyncFileOptions,
  type Exit,
  type PipeReader,
  type PipeWriter,
  type ReadEnd,
  type ReadLineOptions,
  type WaitOptions,
  type Writable,
} from '@aiopipe/core';
import { bytesAhead, DEFAULT_GRACE, Pending, refuse } from '@aiopipe/core/internal';
import { Feed } from './io/feed.js';
import { checkInput, chunksOf, type Input } from './io/input.js';
import { checkProgram, type Program } from './program/program.js';

const NOTHING = Buffer.alloc(0);

/** An output of a program: calls in the manner of a file, and the reader under them. */
interface Output {
  readonly file: AsyncFile;
  readonly reader: PipeReader;
}

/**
 * The properties of every error of ours with which {@link AsyncPipe.communicate} rejects while it reads: an AbortError,
 * a TimeoutError or a SystemError.
 *
 * @example
 * ```ts
 * import { TimeoutError } from '@aiopipe/core';
 * import { AsyncPipe, popen, type EndedCommunication } from '@aiopipe/subprocess';
 *
 * await using pipe = new AsyncPipe(popen(['sleep', '60'], { stdout: 'pipe' }));
 * try {
 *   await pipe.communicate(undefined, { timeout: 10 });
 * } catch (error) {
 *   if (!(error instanceof TimeoutError)) throw error;
 *   const { stdout } = error as TimeoutError & EndedCommunication;
 *   console.log(stdout.length, 'bytes so far');
 * }
 * ```
 * ```text
 * 0 bytes so far
 * ```
 */
export interface EndedCommunication {
  /** The bytes of stdout so far. The next call of `communicate()` or `read()` gives them again. */
  readonly stdout: Buffer;
  /** The bytes of stderr so far, in the same way. */
  readonly stderr: Buffer;
}

/**
 * The two outer sides of a program, or of a chain that was joined by hand: writes go to `first`'s stdin, reads come from
 * `last`'s stdout and stderr. Without `last` they are those of `first`. It uses those that are pipes, and
 * opens each at its first use. If a side is no pipe, calls on it reject with ClosedError.
 *
 * @example
 * ```ts
 * import { AsyncPipe, popen } from '@aiopipe/subprocess';
 *
 * const grep = popen(['grep', '-i', 'error'], { stdin: 'pipe', stdout: 'pipe' });
 * const count = popen(['wc', '-l'], { stdin: grep.stdout, stdout: 'pipe' });
 * await using pipe = new AsyncPipe(grep, count);
 * const [stdout] = await pipe.communicate('an error\nall is well\nError 2\n');
 * console.log(Number(String(stdout)));
 * ```
 * ```text
 * 2
 * ```
 */
export class AsyncPipe implements AsyncDisposable {
  readonly #first: Program;
  readonly #last: Program;
  #writer: PipeWriter | undefined;
  #stdin: AsyncFile | undefined;
  #stdout: Output | undefined;
  /** The input of the last {@link communicate}. */
  #feed: Feed | undefined;
  /** Settles with the reads of the last {@link communicate}. */
  #reads: Promise<unknown> | undefined;
  #stderr: Output | undefined;
  /** That of the first program, if it is another one: only {@link communicate} reads it. */
  #firstStderr: Output | undefined;

  constructor(first: Program, last: Program = first) {
    checkProgram('first', first);
    checkProgram('last', last);
    refuseTerminal('first', first);
    refuseTerminal('last', last);
    this.#first = first;
    this.#last = last;
  }

  /** The first program's stdin, to write to and to close: then the program reads the end of its input. */
  get stdin(): AsyncFile {
    return (this.#stdin ??= new AsyncFile(this.#openStdin()));
  }

  #openStdin(): PipeWriter {
    const { stdin } = this.#first;
    if (stdin === undefined) throw notPiped('stdin', this.#first);
    // Opening it once more throws why it cannot be used: it was closed, or opened elsewhere.
    return this.#writer !== undefined && stdin.state === 'open' ? this.#writer : (this.#writer = stdin.open());
  }

  #openStdout(): Output {
    return (this.#stdout ??= openOutput(this.#last, 'stdout'));
  }

  #openStderr(): Output {
    return (this.#stderr ??= openOutput(this.#last, 'stderr'));
  }

  /** As {@link AsyncFile.write}, to the first program's stdin; returns the bytes written. */
  async write(data: Writable, options?: AsyncFileOptions): Promise<number> {
    return this.stdin.write(data, options);
  }

  /** As {@link AsyncFile.read}, from the last program's stdout. */
  async read(size?: number, options?: AsyncFileOptions): Promise<Buffer> {
    return this.#openStdout().file.read(size, options);
  }

  /** As {@link AsyncFile.readLine}, from the last program's stdout. */
  async readLine(size?: number, options?: ReadLineOptions): Promise<Buffer> {
    return this.#openStdout().file.readLine(size, options);
  }

  /** As {@link AsyncFile.read}, from the last program's stderr. */
  async readStderr(size?: number, options?: AsyncFileOptions): Promise<Buffer> {
    return this.#openStderr().file.read(size, options);
  }

  /** As {@link AsyncFile.readLine}, from the last program's stderr. */
  async readLineStderr(size?: number, options?: ReadLineOptions): Promise<Buffer> {
    return this.#openStderr().file.readLine(size, options);
  }

  /**
   * Writes all of `input` and closes stdin, reads stdout and stderr to their ends meanwhile, and waits for the end of both
   * programs: `[stdout, stderr]`, empty for one that is no pipe. If the first one's stderr is a pipe that you have not opened,
   * it is read too, and comes before the last one's. A program that stops reading ends the writing, no more;
   * how the last one ended is what {@link poll} tells then. A FileHandle is read from its offset on and stays open; a
   * pipe end is read to its end and closed.
   *
   * If something that the last program left behind holds its stdout or stderr, that is waited for two seconds more.
   * An abort or a timeout ends the wait alone: the input is fed on, and what the programs have written is kept. The error has
   * what has come until then as `stdout` and `stderr`: see {@link EndedCommunication}. Call it again, without an input, to go
   * on: it gives all that was written from the first call on. With an input it rejects BusyError, until the earlier
   * input is written.
   */
  communicate(input?: Input, options: WaitOptions = {}): Promise<[Buffer, Buffer]> {
    const stop = new AbortController();
    const giveUp = () => {
      stop.abort();
    };
    let feed: Feed | undefined;
    try {
      checkInput(input);
      const refusal = refuse(options, undefined, () => `${this.#last.toString()} did not end`);
      if (refusal !== undefined) throw refusal;
      feed = this.#feedOn(input);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    const pending = new Pending<[Buffer, Buffer]>(options, () => `${this.#last.toString()} did not end`, giveUp);
    this.#converse(feed, stop.signal).then(
      (outputs) => {
        pending.resolve(outputs);
      },
      (error: unknown) => {
        // After an abort or a timeout this is only the end of the reads.
        if (!stop.signal.aborted) feed?.stop();
        giveUp();
        pending.reject(error);
      },
    );
    return pending.promise.catch(async (error: unknown) => {
      // Until the reads have heard of it too, another call would find them busy.
      await this.#reads;
      throw error instanceof AiopipeError ? Object.assign(error, this.#whatHasCome()) : error;
    });
  }

  #whatHasCome(): EndedCommunication {
    const [stdout = NOTHING, firstStderr = NOTHING, stderr = NOTHING] = [
      this.#stdout,
      this.#firstStderr,
      this.#stderr,
    ].map((output) => output && bytesAhead(output.reader));
    return { stdout, stderr: joined(firstStderr, stderr) };
  }

  /** Returns the feed of the first program. A call that was ended may have left one. */
  #feedOn(input: Input | undefined): Feed | undefined {
    if (this.#feed?.isOver === false) {
      if (input === undefined) return this.#feed;
      throw new BusyError(
        `stdin of ${this.#first.toString()}: the input of an earlier communicate() is not written yet; ` +
          'call communicate() without an input to continue',
      );
    }
    if (input === undefined && !this.#hasStdin) return undefined;
    const feed = new Feed(this.#openStdin(), chunksOf(input ?? ''));
    // The input may still wait for bytes that no program will read.
    void Promise.all([this.#first.wait(), this.#last.wait()]).then(() => feed.stop());
    return (this.#feed = feed);
  }

  get #hasStdin(): boolean {
    const { stdin } = this.#first;
    return stdin?.state === 'owned' || (stdin?.state === 'open' && this.#writer !== undefined);
  }

  async #converse(feed: Feed | undefined, stop: AbortSignal): Promise<[Buffer, Buffer]> {
    const first = this.#first;
    const last = this.#last;
    // All are opened before the first one is read: if one is in use elsewhere, no read may be left behind.
    const firstStderr = this.#openFirstStderr();
    const stdout = last.stdout && this.#openStdout();
    const stderr = last.stderr && this.#openStderr();
    const reads = [
      readToEnd(stdout, last, stop),
      readToEnd(firstStderr, first, stop),
      readToEnd(stderr, last, stop),
    ] as const;
    this.#reads = Promise.allSettled(reads);
    // With the signal, a call that was ended leaves nothing at the exits.
    const exited = [first.wait({ signal: stop }), last.wait({ signal: stop })];
    const [[out, firstErr, err]] = await Promise.all([Promise.all(reads), feed?.done, ...exited]);
    return [out, joined(firstErr, err)];
  }

  #openFirstStderr(): Output | undefined {
    const { stderr } = this.#first;
    if (this.#first === this.#last || (stderr?.state !== 'owned' && this.#firstStderr === undefined)) return undefined;
    return (this.#firstStderr ??= openOutput(this.#first, 'stderr'));
  }

  /** How the last program ended; undefined while it runs. */
  poll(): Exit | undefined {
    return this.#last.poll();
  }

  /**
   * Flushes and closes stdin, and closes the reading sides. The programs run on, and are not waited for. What is not written
   * of the input of a {@link communicate} that was ended is dropped.
   */
  async close(): Promise<void> {
    try {
      if (this.#feed?.isOver === false) this.#feed.stop();
      else if (this.#hasStdin) await this.#openStdin().close();
    } finally {
      this.#first.closeEnds();
      this.#last.closeEnds();
    }
  }

  /** Closes all three, and ends the two programs as far as they run: SIGTERM, after two seconds SIGKILL. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#feed?.stop();
    await Promise.all([this.#first[Symbol.asyncDispose](), this.#last[Symbol.asyncDispose]()]);
  }
}

function openOutput(program: Program, name: 'stdout' | 'stderr'): Output {
  const end: ReadEnd | undefined = program[name];
  if (end === undefined) throw notPiped(name, program);
  const reader = end.open();
  return { reader, file: new AsyncFile(reader) };
}

function joined(first: Buffer, second: Buffer): Buffer {
  return first.length === 0 ? second : Buffer.concat([first, second]);
}

/** A read that is ended has taken nothing, so one of another kind can go on. */
async function readToEnd(output: Output | undefined, program: Program, stop: AbortSignal): Promise<Buffer> {
  if (output === undefined) return NOTHING;
  const { file } = output;
  const ended = new AbortController();
  const end = () => {
    ended.abort();
  };
  stop.addEventListener('abort', end, { once: true });
  program.wait({ signal: stop }).then(end, () => undefined);
  try {
    return await file.read(0, { signal: ended.signal });
  } catch (error) {
    if (!(error instanceof AbortError) || stop.aborted) throw error;
  }
  try {
    return await file.read(0, { signal: stop, timeout: DEFAULT_GRACE });
  } catch (error) {
    if (error instanceof TimeoutError) return NOTHING;
    throw error;
  }
}

function refuseTerminal(name: string, program: Program): void {
  if (program.terminal === undefined) return;
  throw new TypeError(`${name}: ${program.toString()} has a terminal in place of pipes; open its \`terminal\``);
}

function notPiped(name: string, program: Program): ClosedError {
  return new ClosedError(`${name} of ${program.toString()} is not a pipe: start it with { ${name}: 'pipe' }`);
}
