import { type StderrOption, type WaitOptions } from '@aiopipe/core';
import {
  checkInterval,
  checkMilliseconds,
  checkTarget,
  DEFAULT_GRACE,
  optionNames,
  refuse,
  show,
  streamHint,
  instead,
} from '@aiopipe/core/internal';
import { checkInput, type Input } from '../io/input.js';
import { DEFAULT_INTERVAL, type Progress } from './progress.js';

/**
 * Options of every way to run a chain. The `signal` and the `timeout` end the whole chain.
 *
 * @example
 * ```ts
 * import { pipeline } from '@aiopipe/subprocess';
 *
 * const options = { input: 'pipe\nend\n', stderr: 'shared', grace: 500, timeout: 10_000 } as const;
 * for await (const line of pipeline(['sort']).lines(options)) console.log(line);
 * ```
 * ```text
 * end
 * pipe
 * ```
 */
export interface ChainOptions extends WaitOptions {
  /**
   * The input of the first stage; none by default. A file, open or by its path, or a pipe end becomes the stdin of the
   * first program directly; a pipe end moves. If an iterable or a stream throws, the chain is ended.
   */
  readonly input?: Input | undefined;
  /** Instead of `input`: the first stage reads this process's stdin. Do not read it here meanwhile. */
  readonly stdin?: 'inherit' | undefined;
  /**
   * The stderr of stages without their own `stderr`. `pipe`, the default, collects the stderr of each for
   * its result. `shared` makes one pipe for all, which keeps the order, and collects it in the `stderr` of the whole
   * result. A file is opened once for all; an end moves.
   */
  readonly stderr?: StderrOption | 'shared' | undefined;
  /**
   * Milliseconds, 2000 by default; Infinity is no limit. The time from SIGTERM to SIGKILL if the chain is ended. Also the
   * longest wait for output after the end of the last program, if another process still holds it.
   */
  readonly grace?: number | undefined;
  /** Called every `progressInterval` while the chain runs. If it throws or rejects, the chain is ended. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Milliseconds above 0; 1000 by default. */
  readonly progressInterval?: number | undefined;
}

/** The names of {@link ChainOptions}, for options that extend them. */
export const CHAIN_NAMES = {
  signal: true,
  timeout: true,
  input: true,
  stdin: true,
  stderr: true,
  grace: true,
  onProgress: true,
  progressInterval: true,
} as const;

/** What a chain has in place of options of its stages, of `node:child_process` and of execa. */
export const CHAIN_ELSEWHERE = {
  ...instead(['cwd', 'env', 'limits', 'allowFail'], 'a stage has it: pipeline({ argv, * })'),
  ...instead(['uid', 'gid', 'groups', 'umask'], 'a stage has it: pipeline({ argv, limits: { * } })'),
  shell: "start a shell as a program: pipeline(['sh', '-c', script])",
  inputFile: 'write input: { file }',
  cancelSignal: 'write signal',
  forceKillAfterDelay: 'write grace',
  killSignal: 'the programs get SIGTERM, and after grace SIGKILL',
  ...instead(['reject', 'nothrow'], 'a stage has allowFail: pipeline({ argv, allowFail: true })'),
  ...instead(['throwOnError', 'check'], 'a failure always rejects, unless the stage has allowFail: true'),
  ...instead(['encoding', 'maxOutput', 'output'], 'run() has it'),
  stdio: 'write input and stderr; run() has output',
};

export const CHAIN_OPTIONS = optionNames<ChainOptions>(CHAIN_NAMES, CHAIN_ELSEWHERE);

/** Throws TypeError for bad values. An aborted signal is not a bad value. */
export function checkChainOptions(options: ChainOptions): void {
  const { signal, timeout } = options;
  const refusal = refuse({ signal, timeout });
  if (refusal instanceof TypeError) throw refusal;
  const { input, stdin, stderr, onProgress, grace = DEFAULT_GRACE, progressInterval = DEFAULT_INTERVAL } = options;
  checkInput(input);
  if (stdin !== undefined && (stdin as unknown) !== 'inherit') {
    const hint =
      streamHint({ name: 'stdin', use: 'reads', words: ['inherit'] }, stdin) ??
      'pass the data to read as the input option';
    throw new TypeError(`stdin: expected 'inherit', not ${show(stdin)}; ${hint}`);
  }
  if (stdin !== undefined && input !== undefined) throw new TypeError('stdin, input: pass only one of them');
  if (stderr !== undefined) checkTarget('stderr', stderr, ['pipe', 'inherit', 'ignore', 'stdout', 'shared']);
  checkMilliseconds('grace', grace);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new TypeError(`onProgress: expected a function, not ${show(onProgress)}`);
  }
  checkInterval('progressInterval', progressInterval);
}
