import { inspect } from 'node:util';
import { Chain, type ChainOptions } from './chain.js';
import { OutputTooLongError, PipelineError } from './errors.js';
import { Lines } from './lines.js';
import { recordSplitter, type RecordEncoding, type RecordSplitter } from './records.js';
import { checkStage, quoteStage, type Stage, type StageOptions, type StageResult } from './stage.js';

/** Options of {@link Pipeline.run}. */
export interface RunOptions<
  Encoding extends BufferEncoding | 'buffer' = BufferEncoding | 'buffer',
> extends ChainOptions {
  /** What `stdout` is in the result: text in that encoding (`utf8` by default), or with `buffer` the bytes. */
  readonly encoding?: Encoding | undefined;
  /** Bytes of output after which the chain is ended, with an {@link OutputTooLongError}. No limit unless given. */
  readonly maxOutput?: number | undefined;
}

/** Options of {@link Pipeline.lines}. */
export interface LinesOptions<Encoding extends RecordEncoding = RecordEncoding> extends ChainOptions {
  /** What stands between two records, and is no part of them: a newline unless given, `'\0'` for `find -print0`. */
  readonly separator?: string | undefined;
  /** What a record is: text in that encoding (`utf8` by default), or with `buffer` the bytes. */
  readonly encoding?: Encoding | undefined;
}

/** What a chain gave. */
export interface PipelineResult<Output extends string | Buffer = string> {
  readonly stdout: Output;
  /** What was collected of the stages' stderr, one after the other: the last 64 KiB of each. */
  readonly stderr: string;
  /** How each program ended, in the order of the chain. */
  readonly stages: readonly StageResult[];
}

/**
 * A chain of programs, each reading what the one before it writes: through pipes of the kernel, so that no byte between
 * them comes through Node. Nothing runs before `run()` or `lines()`, and each call of those starts it anew.
 *
 * ```ts
 * const { stdout } = await pipeline(['zcat', file], ['grep', 'x'], ['wc', '-l']).run();
 * ```
 *
 * Throws a TypeError for what can't be a stage.
 */
export function pipeline(...stages: readonly [Stage, ...Stage[]]): Pipeline {
  return new Pipeline(stages);
}

/** A chain of programs. Made by {@link pipeline}. */
export class Pipeline {
  readonly #stages: readonly StageOptions[];

  /** @internal */
  constructor(stages: readonly Stage[]) {
    if (stages.length === 0) throw new TypeError('pipeline: expected at least one program');
    this.#stages = stages.map(checkStage);
  }

  /**
   * Runs the chain to its end and collects what it writes.
   *
   * Rejects {@link PipelineError} if a stage fails; that one before it ended by SIGPIPE (or exited with 141) is none:
   * so `yes | head -1` succeeds. Rejects {@link AbortError} or {@link TimeoutError} after the whole chain was ended:
   * SIGTERM to its process group, then SIGKILL. Rejects {@link SystemError} if one of the programs can't be started, and
   * with what `input` throws.
   */
  async run(options?: RunOptions<BufferEncoding>): Promise<PipelineResult>;
  async run(options: RunOptions<'buffer'>): Promise<PipelineResult<Buffer>>;
  async run(options: RunOptions): Promise<PipelineResult<string | Buffer>>;
  async run(options: RunOptions = {}): Promise<PipelineResult<string | Buffer>> {
    const { encoding = 'utf8', maxOutput = Infinity } = options;
    checkRunOptions(encoding, maxOutput);
    const chain = new Chain(this.#stages, options);
    const chunks: Buffer[] = [];
    const output = (length: number) => decode(Buffer.concat(chunks, length), encoding);
    let length = 0;
    try {
      chain.start();
      for await (const chunk of chain.chunks()) {
        chunks.push(chunk);
        length += chunk.length;
        if (length <= maxOutput) continue;
        await chain.close();
        throw new OutputTooLongError(this.toString(), maxOutput, output(maxOutput), chain.results());
      }
      await chain.finish();
    } finally {
      await chain.close();
    }
    const stages = chain.results();
    const failed = chain.failed(stages);
    const stdout = output(length);
    if (failed.length > 0) throw new PipelineError(this.toString(), stages, failed, stdout);
    return { stdout, stderr: stages.map(({ stderr }) => stderr ?? '').join(''), stages };
  }

  /**
   * What the chain writes, line by line (or record by record), as it comes: a consumer that is slow holds the programs
   * up. Leaving the loop early ends the chain, and that is a success: the loop is left when nothing of it is left.
   *
   * Throws as {@link Pipeline.run} rejects, {@link PipelineError} after the last line.
   */
  lines(options?: LinesOptions<'utf8' | 'latin1'>): Lines<string>;
  lines(options: LinesOptions<'buffer'>): Lines<Buffer>;
  lines(options: LinesOptions): Lines<string | Buffer>;
  lines(options: LinesOptions = {}): Lines<string | Buffer> {
    const { separator = '\n', encoding = 'utf8' } = options;
    checkLinesOptions(separator, encoding);
    const splitter = recordSplitter(separator, encoding);
    return new Lines(splitter, this.#feedRecords(splitter, options));
  }

  /** Yields each time there may be records to take. */
  async *#feedRecords(
    splitter: RecordSplitter<unknown>,
    options: ChainOptions,
  ): AsyncGenerator<undefined, void, undefined> {
    const chain = new Chain(this.#stages, options);
    try {
      chain.start();
      for await (const chunk of chain.chunks()) {
        splitter.push(chunk);
        yield;
      }
      splitter.end();
      yield;
      await chain.finish();
    } finally {
      await chain.close();
    }
    const stages = chain.results();
    const failed = chain.failed(stages);
    if (failed.length > 0) throw new PipelineError(this.toString(), stages, failed, undefined);
  }

  /** The shell line that does the same, quoted, for logs. It leaves out the stages' own environments. */
  toString(): string {
    return this.#stages.map(quoteStage).join(' | ');
  }
}

function decode(bytes: Buffer, encoding: BufferEncoding | 'buffer'): string | Buffer {
  return encoding === 'buffer' ? bytes : bytes.toString(encoding);
}

function checkRunOptions(encoding: unknown, maxOutput: unknown): void {
  if (encoding !== 'buffer' && !(typeof encoding === 'string' && Buffer.isEncoding(encoding))) {
    throw new TypeError(`encoding: expected 'buffer' or an encoding of Buffer, not ${inspect(encoding)}`);
  }
  if (typeof maxOutput !== 'number' || !(maxOutput >= 0)) {
    throw new TypeError(`maxOutput: expected a number of bytes, not ${inspect(maxOutput)}`);
  }
}

function checkLinesOptions(separator: unknown, encoding: unknown): void {
  if (typeof separator !== 'string' || separator === '') {
    throw new TypeError(`separator: expected a string that is not empty, not ${inspect(separator)}`);
  }
  if (encoding !== 'utf8' && encoding !== 'latin1' && encoding !== 'buffer') {
    throw new TypeError(`encoding: expected 'utf8', 'latin1' or 'buffer', not ${inspect(encoding)}`);
  }
}
