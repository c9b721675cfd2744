import { checkCount, optionNames, show } from '@aiopipe/core/internal';
import { RECORD_NAMES, type RecordEncoding, type RecordOptions } from '../io/record-options.js';
import { type OutputOption } from '../io/sink.js';
import { CHAIN_ELSEWHERE, CHAIN_NAMES, type ChainOptions } from './options.js';

/**
 * Options of {@link Pipeline.run}.
 *
 * @example
 * ```ts
 * import { pipeline } from '@aiopipe/subprocess';
 *
 * const { stdout } = await pipeline(['sort', '-u']).run({
 *   input: ['pipe\n', 'end\n', 'pipe\n'],
 *   encoding: 'buffer',
 *   maxOutput: 1024 * 1024,
 *   timeout: 10_000,
 * });
 * console.log(stdout.length);
 * ```
 * ```text
 * 9
 * ```
 */
export interface RunOptions<
  Encoding extends BufferEncoding | 'buffer' = BufferEncoding | 'buffer',
> extends ChainOptions {
  /** The type of `stdout` in the result: text in this encoding (`utf8` by default), or bytes with `buffer`. */
  readonly encoding?: Encoding | undefined;
  /**
   * The longest output, in bytes. If there is more, the chain is ended, and `run()` rejects with an
   * {@link OutputTooLongError}. By default as much as a string or a Buffer can hold: 512 MiB of UTF-8, 4 GiB or more of bytes.
   */
  readonly maxOutput?: number | undefined;
  /**
   * The target of the last stage's output. By default the output is collected for the result; with this option `stdout` of
   * the result is empty. A program writes to the target directly, not through Node.
   */
  readonly output?: OutputOption | undefined;
}

/**
 * Options of {@link Pipeline.lines}.
 *
 * @example
 * ```ts
 * import { pipeline } from '@aiopipe/subprocess';
 *
 * const chain = pipeline(['printf', 'one\\0two\\0']); // as `find -print0`
 * for await (const name of chain.lines({ separator: '\0', encoding: 'latin1' })) console.log(name);
 * ```
 * ```text
 * one
 * two
 * ```
 */
export interface LinesOptions<Encoding extends RecordEncoding = RecordEncoding>
  extends ChainOptions, RecordOptions<Encoding> {}

const RUN_NAMES = { ...CHAIN_NAMES, encoding: true, maxOutput: true, output: true } as const;
const RUN_ELSEWHERE = {
  ...CHAIN_ELSEWHERE,
  stdio: 'write input, output and stderr',
  stdout: 'write output; without it, run() resolves with stdout',
  all: "write stderr: 'stdout' in the last stage, and read stdout",
  lines: 'call lines() in place of run()',
  buffer: "write encoding: 'buffer'",
  maxBuffer: 'write maxOutput',
};
export const RUN_OPTIONS = optionNames<RunOptions>(RUN_NAMES, RUN_ELSEWHERE);
export const LINES_OPTIONS = optionNames<LinesOptions>({ ...CHAIN_NAMES, ...RECORD_NAMES }, CHAIN_ELSEWHERE);
/** `toString()` takes the options of any run. */
export const SHOWN_OPTIONS = optionNames<RunOptions & RecordOptions>(
  { ...RUN_NAMES, ...RECORD_NAMES },
  CHAIN_ELSEWHERE,
);

/** Throws TypeError for bad values of the options that only `run()` takes. */
export function checkRunOptions({ encoding = 'utf8', maxOutput = Infinity, output }: RunOptions): void {
  if (encoding !== 'buffer' && !(typeof encoding === 'string' && Buffer.isEncoding(encoding))) {
    throw new TypeError(`encoding: expected 'buffer' or an encoding of Buffer, not ${show(encoding)}`);
  }
  checkCount('maxOutput', maxOutput, { of: 'bytes' });
  if (output !== undefined && maxOutput !== Infinity) {
    throw new TypeError('maxOutput, output: pass only one of them; with output, run() collects nothing');
  }
}
