import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { Channel } from '@aiopipe/codec';
import { aioduplex, type DuplexEnd } from '@aiopipe/core';
import {
  clearTimeout,
  setTimeout,
  show,
  spawn,
  variablesOf,
  type Environment,
  type SpawnedProgram,
} from '@aiopipe/core/internal';
import { controlLimits } from './control-limits.js';
import { type Conversation } from './conversation.js';
import { environmentFor, execArgvFor } from './node-options.js';
import { checkPlace, placeOf } from './place.js';
import { CONTROL_FD, SILENCE, type FromChild, type Start } from './protocol.js';
import { checkStdio, PreparedStdio, type StdioOptions } from './stdio.js';

/** What a child's surroundings are from its first instruction on: nothing changes them later. */
export interface Surroundings extends StdioOptions {
  /** Its whole environment; this process's unless given. Inherited enumerable names count, as in Node's own spawn. */
  readonly env?: Environment | undefined;
  readonly cwd?: string | undefined;
  /**
   * Options of its Node. This process's own unless given, but for those about debugging, testing and `-e`. Files and
   * packages in them, as in NODE_OPTIONS, are looked for from the directory that this process was started in, whatever
   * `cwd` says.
   */
  readonly execArgv?: readonly string[] | undefined;
}

/** Throws a TypeError for what no child can have; nothing has moved then, and nothing was started. */
export function checkSurroundings(options: Surroundings): void {
  checkStdio(options);
  const { env, cwd, execArgv } = options;
  if (cwd !== undefined) checkText('cwd', cwd);
  if (env !== undefined) variablesOf(env);
  if (execArgv === undefined) return;
  if (!Array.isArray(execArgv)) throw new TypeError(`execArgv: expected an array of options, not ${show(execArgv)}`);
  for (const [index, word] of (execArgv as readonly unknown[]).entries()) checkText(`execArgv[${String(index)}]`, word);
}

/** What the system takes as text: strings end at a NUL there. */
export function checkText(what: string, value: unknown): void {
  if (typeof value === 'string' && !value.includes('\0')) return;
  throw new TypeError(`${what}: expected a string without NUL, not ${show(value)}`);
}

/** The parent's end of a child's control channel. */
export type Control = Channel<unknown, FromChild>;

/** A child process, and who talks to it. */
export interface Launched {
  readonly control: Control;
  readonly conversation: Conversation;
  readonly program: SpawnedProgram;
  readonly stdio?: PreparedStdio;
}

/** A child that closed its channel is about to end. One that goes on without it can't be talked to: it is killed. */
export function killUnlessEnding(program: SpawnedProgram): void {
  const timer = setTimeout(() => program.killGroup('SIGKILL'), SILENCE).unref();
  void program.exited.then(() => {
    clearTimeout(timer);
  });
}

/** A child that could not be started. Nothing is left of it, or of what it would have been told. */
export class LaunchFailure {
  constructor(readonly cause: unknown) {}
}

const entry = fileURLToPath(new URL('./child.js', import.meta.url));

/**
 * Starts a child process that will do what it is told first.
 *
 * @param tell - puts that, before anything is started: where it throws, nothing was
 * @param grace - as in {@link Start}
 */
export function launch(
  name: string,
  options: Surroundings,
  conversation: Conversation,
  tell: (control: Control) => void,
  grace: Start['grace'] = 0,
): Launched | LaunchFailure {
  // All that may be refused, for want of descriptors say, comes before the arguments' handles move.
  const stdio = new PreparedStdio(options);
  let [control, theirs]: [Control?, DuplexEnd?] = [];
  try {
    const [ours, other] = aioduplex({ bufferSize: 256 * 1024 });
    theirs = other;
    control = Channel.from<unknown, unknown>(ours, { limits: controlLimits() }).validate(conversation.schema);
    tell(control);
    stdio.move(`process ${name}`);
  } catch (error) {
    stdio.failed();
    control?.[Symbol.dispose]();
    theirs?.close();
    throw error;
  }
  try {
    checkPlace(options);
    const program = spawn({
      file: process.execPath,
      argv: [process.execPath, ...execArgvFor(options), entry, name],
      env: environmentFor(options.env),
      cwd: placeOf(options).spawnIn,
      fds: new Map([...stdio.fds, [CONTROL_FD, theirs.fd]]),
      // In a group of its own it could not read the terminal: the system would stop it (SIGTTIN).
      group: options.stdin === 'inherit' && isatty(0) ? 'inherit' : 'own',
      // Its own lifeline says SIGTERM, once it has come so far. Before that, or stopped, it hears only this.
      guard: grace === 'detached' ? undefined : { kind: 'program', killAfter: grace },
    });
    stdio.started();
    return { control, conversation, program, stdio };
  } catch (cause) {
    stdio.failed();
    // Takes the handles that were on their way with it.
    control[Symbol.dispose]();
    return new LaunchFailure(cause);
  } finally {
    theirs.close();
  }
}

/** The same for equal surroundings as they would be now, and for no others. Undefined where each start has its own. */
export function surroundingsKey({ env, cwd, execArgv, stdin, stdout, stderr }: Surroundings): string | undefined {
  const stdio = [stdin ?? 'ignore', stdout ?? 'inherit', stderr ?? 'inherit'];
  if (!stdio.every((choice) => choice === 'ignore' || choice === 'inherit')) return undefined;
  const pairs = variablesOf(env ?? process.env);
  return JSON.stringify([
    resolve(cwd ?? ''),
    execArgvFor({ execArgv }),
    stdio,
    pairs.map((pair) => pair.join('=')).sort(),
  ]);
}
