import { inspect } from 'node:util';
import { type StderrOption, type WaitOptions } from '@aiopipe/core';
import {
  checkInterval,
  checkMilliseconds,
  checkTarget,
  DEFAULT_GRACE,
  optionNames,
  refuse,
  streamHint,
} from '@aiopipe/core/internal';
import { show } from '../program/command.js';
import { checkInput, type Input } from '../io/input.js';
import { DEFAULT_INTERVAL, type Progress } from './progress.js';

/** What all ways to run a chain take. The `signal` and the `timeout` end the whole chain. */
export interface ChainOptions extends WaitOptions {
  /**
   * What the first stage reads; nothing unless given. A file, open or by its path, or a pipe end becomes the first
   * program's stdin as it is; a pipe end moves.
   */
  readonly input?: Input | undefined;
  /** Instead of `input`: the first stage reads what is our own stdin. Don't read it here meanwhile. */
  readonly stdin?: 'inherit' | undefined;
  /**
   * Where the stderr of those programs goes whose stage doesn't say it. `pipe`, the default, collects each one's for its
   * result; `shared` is one pipe for all, so that the order is kept: it is collected in the `stderr` of the whole result.
   * A file is opened once for all, an end moves.
   */
  readonly stderr?: StderrOption | 'shared' | undefined;
  /**
   * Milliseconds, 2000 by default, Infinity for no limit: from SIGTERM to SIGKILL where the chain is ended; and for which its output is waited
   * for after its last program has ended, as long as something else holds that.
   */
  readonly grace?: number | undefined;
  /** Called every `progressInterval` while it runs. What it throws ends the chain. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Milliseconds above 0, 1000 by default. */
  readonly progressInterval?: number | undefined;
}

/** The names of {@link ChainOptions}, for the lists of those that extend it. */
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

export const CHAIN_OPTIONS = optionNames<ChainOptions>(CHAIN_NAMES);

/** Throws a TypeError for bad values. What has been aborted already is none. */
export function checkChainOptions(options: ChainOptions): void {
  const { signal, timeout } = options;
  const refusal = refuse({ signal, timeout });
  if (refusal instanceof TypeError) throw refusal;
  const { input, stdin, stderr, onProgress, grace = DEFAULT_GRACE, progressInterval = DEFAULT_INTERVAL } = options;
  checkInput(input);
  if (stdin !== undefined && (stdin as unknown) !== 'inherit') {
    const hint =
      streamHint({ name: 'stdin', use: 'reads', words: ['inherit'] }, stdin) ?? 'what to read is the input option';
    throw new TypeError(`stdin: expected 'inherit', not ${show(stdin)}; ${hint}`);
  }
  if (stdin !== undefined && input !== undefined) throw new TypeError('stdin and input: give one of them');
  if (stderr !== undefined) checkTarget('stderr', stderr, ['pipe', 'inherit', 'ignore', 'stdout', 'shared']);
  checkMilliseconds('grace', grace);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new TypeError(`onProgress: expected a function, not ${inspect(onProgress)}`);
  }
  checkInterval('progressInterval', progressInterval);
}
