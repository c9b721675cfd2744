import { diagnosticsChannel } from '../observe/diagnostics-channel.js';
import { Traced, type TracedMessage } from '../observe/traced.js';
import { type Exit } from './exit.js';
import { type SignalName } from './signals.js';

/**
 * `program`: started by `popen()` or a chain; `child`: a child process with a target; `prefork`: one that waits for a target.
 *
 * @see the example of {@link ProcessExitMessage}
 */
export type ProcessKind = 'program' | 'child' | 'prefork';

/**
 * A process that this process has started, as the events about processes have it.
 *
 * @see the example of {@link ProcessExitMessage}
 */
export interface ObservedProcess {
  /** A child that was taken from a Prefork is a `child` from then on. */
  readonly kind: ProcessKind;
  /** The name of a child process; of a program, its file. */
  readonly name: string;
  readonly argv: readonly string[];
  /** Undefined if it was started in this process's directory. */
  readonly cwd: string | undefined;
  readonly pid: number;
  /** How it ended; undefined while it runs. */
  readonly exit: Exit | undefined;
  /** Sends a signal, SIGTERM by default; returns false if the process has ended. */
  kill(signal?: SignalName | number): boolean;
}

/**
 * The message of the TracingChannel `aiopipe:process.start`. A program has started, or has failed to, when the call returns. The
 * outcome of a child is known when its function is called (`asyncEnd`), or when the child has ended before that (`error`).
 *
 * @example
 * ```ts
 * import { channel } from 'node:diagnostics_channel';
 * import { type ProcessStart } from '@aiopipe/core';
 * import { popen } from '@aiopipe/subprocess';
 *
 * channel('tracing:aiopipe:process.start:end').subscribe((message) => {
 *   const { kind, name } = message as ProcessStart;
 *   console.log(kind, name);
 * });
 * await using program = popen(['true']);
 * await program.wait();
 * ```
 * ```text
 * program true
 * ```
 */
export interface ProcessStart extends TracedMessage {
  readonly kind: ProcessKind;
  readonly name: string;
  /** The function that a child calls: the URL of its module, and its name; the name is `aiopipe.worker` for a worker of a pool. */
  readonly target?: { readonly url: string; readonly name: string } | undefined;
  /** Whether the child was taken from a Prefork. */
  isPreforked?: boolean | undefined;
  /** Undefined until the process was started. */
  process?: ObservedProcess | undefined;
}

/**
 * The message of the channel `aiopipe:process.exit`.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * import { type ProcessExitMessage } from '@aiopipe/core';
 * import { popen } from '@aiopipe/subprocess';
 *
 * subscribe('aiopipe:process.exit', (message) => {
 *   const { process, exitCode } = message as ProcessExitMessage;
 *   console.log(process.kind, process.name, exitCode);
 * });
 * await using program = popen(['true']);
 * await program.wait();
 * ```
 * ```text
 * program true 0
 * ```
 */
export interface ProcessExitMessage extends Exit {
  readonly process: ObservedProcess;
}

export const processStart = new Traced<ProcessStart>('aiopipe:process.start');
export const processExit = diagnosticsChannel('aiopipe:process.exit');
