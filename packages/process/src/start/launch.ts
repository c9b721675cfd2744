import { Channel } from '@aiopipe/codec';
import { namePeer, unobserved } from '@aiopipe/codec/internal';
import { aioduplex, type DuplexEnd } from '@aiopipe/core';
import {
  clearTimeout,
  isTerminal,
  runtimeArgv,
  setTimeout,
  spawn,
  StdioFds,
  type SpawnedProgram,
  type Receiver,
} from '@aiopipe/core/internal';
import { type Conversation } from '../control/conversation.js';
import { controlLimits } from '../control/message-limits.js';
import { CONTROL_FD, SILENCE, type FromChild, type Start } from '../control/protocol.js';
import { childEntry, nextDepth } from '../target/role.js';
import { limitsFor } from './node-limits.js';
import { environmentFor, execArgvFor } from './node-options.js';
import { checkPlace, placeOf } from './start-directory.js';
import { checkStdio } from './stdio.js';
import { type Surroundings } from './surroundings.js';

/** The parent's end of a child's control channel. */
export type Control = Channel<unknown, FromChild>;

/** A child process, and the parent's means to talk to it. */
export interface Launched {
  readonly control: Control;
  readonly conversation: Conversation;
  readonly program: SpawnedProgram;
  readonly stdio?: StdioFds;
}

/** Kills a child that closed its control channel and did not end: it can get no more messages. */
export function killUnlessEnding(program: SpawnedProgram): void {
  const timer = setTimeout(() => program.killGroup('SIGKILL'), SILENCE).unref();
  void program.exited.then(() => {
    clearTimeout(timer);
  });
}

/** Why a child could not be started. All that the start had opened is closed. */
export class LaunchFailure {
  constructor(readonly cause: unknown) {}
}

/**
 * Starts a child process.
 *
 * @param tell - puts the child's first messages, before anything is started; what it throws is thrown, and nothing was started
 * @param grace - as in {@link Start}
 * @param maker - the public function that the user called, or the site of that call: messages about pipes name its place
 */
export function launch(
  name: string,
  options: Surroundings,
  conversation: Conversation,
  tell: (control: Control) => void,
  grace: Start['grace'],
  maker: Receiver['maker'],
  kind: 'child' | 'prefork' = 'child',
): Launched | LaunchFailure {
  // Calls that the system may refuse (no descriptor is free, say) come before the handles in the arguments move.
  const stdio = new StdioFds(checkStdio(options), { name: `process ${name}`, needsBlocking: false, maker });
  let [control, theirs]: [Control?, DuplexEnd?] = [];
  try {
    stdio.open();
    const [ours, other] = aioduplex({ bufferSize: 256 * 1024 });
    theirs = other;
    const made = unobserved(() => Channel.from<unknown, unknown>(ours, { limits: controlLimits() }));
    control = made.validate(conversation.schema);
    namePeer(control, `process ${name}`);
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
      kind,
      name,
      file: process.execPath,
      argv: [...runtimeArgv(execArgvFor(options.execArgv)), childEntry, String(nextDepth()), name],
      env: environmentFor(options.env),
      cwd: placeOf(options).spawnIn,
      fds: new Map([...stdio.map, [CONTROL_FD, theirs.fd]]),
      // In a group of its own the child could not read the terminal: the system would stop it (SIGTTIN).
      group: options.stdin === 'inherit' && isTerminal(0) ? 'inherit' : 'own',
      // In Node's boot there is only the guard. Then the child's own watcher thread sends SIGTERM, for which a stopped child must go on.
      deathSignal: grace === 'detached' ? undefined : 'SIGCONT',
      guard: grace === 'detached' ? undefined : { kind: 'program', killAfter: grace },
      limits: limitsFor(options.limits),
    });
    stdio.started();
    return { control, conversation, program, stdio };
  } catch (cause) {
    stdio.fail();
    // Closes the handles that were on their way, too.
    control[Symbol.dispose]();
    return new LaunchFailure(cause);
  } finally {
    theirs.close();
  }
}
