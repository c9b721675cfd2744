import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { Channel } from '@aiopipe/codec';
import { aioduplex, type DuplexEnd } from '@aiopipe/core';
import { clearTimeout, setTimeout, spawn, StdioFds, variablesOf, type SpawnedProgram } from '@aiopipe/core/internal';
import { controlLimits } from './control-limits.js';
import { type Conversation } from './conversation.js';
import { environmentFor, execArgvFor } from './node-options.js';
import { checkPlace, placeOf } from './place.js';
import { CONTROL_FD, SILENCE, type FromChild, type Start } from './protocol.js';
import { checkStdio, DEFAULT_STDIO } from './stdio.js';
import { type Surroundings } from './surroundings.js';

/** The parent's end of a child's control channel. */
export type Control = Channel<unknown, FromChild>;

/** A child process, and who talks to it. */
export interface Launched {
  readonly control: Control;
  readonly conversation: Conversation;
  readonly program: SpawnedProgram;
  readonly stdio?: StdioFds;
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
 * @param tell - puts that, before anything is started: if it throws, nothing was
 * @param grace - as in {@link Start}
 * @param maker - the public function that the user called: messages about pipes name the place of that call
 */
export function launch(
  name: string,
  options: Surroundings,
  conversation: Conversation,
  tell: (control: Control) => void,
  grace: Start['grace'],
  maker: (...args: never[]) => unknown,
): Launched | LaunchFailure {
  // All that may be refused, for want of descriptors say, comes before the arguments' handles move.
  const stdio = new StdioFds(checkStdio(options), { name: `process ${name}`, needsBlocking: false, maker });
  let [control, theirs]: [Control?, DuplexEnd?] = [];
  try {
    stdio.open();
    const [ours, other] = aioduplex({ bufferSize: 256 * 1024 });
    theirs = other;
    control = Channel.from<unknown, unknown>(ours, { limits: controlLimits() }).validate(conversation.schema);
    tell(control);
    stdio.take();
  } catch (error) {
    stdio.fail();
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
      fds: new Map([...stdio.map, [CONTROL_FD, theirs.fd]]),
      // In a group of its own it could not read the terminal: the system would stop it (SIGTTIN).
      group: options.stdin === 'inherit' && isatty(0) ? 'inherit' : 'own',
      // Its own lifeline says SIGTERM, once it has come so far. Before that, or stopped, it hears only this.
      guard: grace === 'detached' ? undefined : { kind: 'program', killAfter: grace },
    });
    stdio.started();
    return { control, conversation, program, stdio };
  } catch (cause) {
    stdio.fail();
    // Takes the handles that were on their way with it.
    control[Symbol.dispose]();
    return new LaunchFailure(cause);
  } finally {
    theirs.close();
  }
}

/** The same for equal surroundings as they would be now, and for no others. Undefined where each start has its own. */
export function surroundingsKey({ env, cwd, execArgv, stdin, stdout, stderr }: Surroundings): string | undefined {
  const { stdin: input, stdout: output, stderr: errors } = DEFAULT_STDIO;
  const stdio = [stdin ?? input, stdout ?? output, stderr ?? errors];
  if (!stdio.every((choice) => choice === 'ignore' || choice === 'inherit')) return undefined;
  const pairs = variablesOf(env ?? process.env);
  return JSON.stringify([
    resolve(cwd ?? ''),
    execArgvFor({ execArgv }),
    stdio,
    pairs.map((pair) => pair.join('=')).sort(),
  ]);
}
