/**
 * The program of a child process: it takes its orders from the control channel, calls its function, reports, and ends.
 *
 * @module
 */
import { writeSync } from 'node:fs';
import { Channel, EndOfStreamError } from '@aiopipe/codec';
import { renamePath, serializeError, unobserved } from '@aiopipe/codec/internal';
import { BrokenPipeError, ClosedError, DuplexEnd } from '@aiopipe/core';
import {
  describeValue,
  flushAll,
  flushAllBlocking,
  native,
  nextTick,
  readContext,
  runInContext,
} from '@aiopipe/core/internal';
import { childRun, publishEnd } from './child-events.js';
import { flushStdio } from './stdio.js';
import { onUncaught } from './uncaught.js';
import {
  CONTROL_FD,
  EXIT_UNTOLD,
  PROTOCOL,
  type FromChild,
  type FromSibling,
  type Ping,
  type Preparation,
  type Start,
  type ToSibling,
} from '../control/protocol.js';
import { role, takeRole } from '../target/role.js';
import { send } from '../control/send.js';
import { ChildSide } from '../sibling/child-side.js';
import { goTo } from '../target/started-in.js';
import { evaluate, loadFunction } from '../target/target.js';
import { warmUp } from './warm-up.js';

const control = unobserved(() => Channel.from<FromChild, unknown>(DuplexEnd.fromFd(CONTROL_FD)));

/** The id of the last order; undefined before the first order. */
let order: number | undefined;

/** How many processes are above this one. The child's code sees its name alone. */
const [depth] = process.argv.splice(2, 1);

let processName = String(process.argv[2]);

const siblings = new ChildSide(
  (message) => {
    tell({ ...message, of: order as number } as FromSibling);
  },
  (holds) => {
    if (holds) control.ref();
    else control.unref();
  },
);

/** Node's own functions. A target may put others in their place, which return, or throw, or never call back. */
const nodeExit = process.exit.bind(process) as typeof process.exit;
const reallyExit = (process as unknown as { reallyExit: (code?: number) => never }).reallyExit.bind(process);

/** Ends this process, as process.exit() of Node does; also if the target has replaced what that calls. */
function exit(code?: number): void {
  try {
    nodeExit(code);
  } finally {
    reallyExit(code);
  }
}

// An error outside the target's promise ends the process, as in every Node program. This listener only reports it.
onUncaught((error) => {
  tell({ kind: 'uncaught', of: order, error: serializeError(error) });
});

/** Milliseconds. If the peers of a child read nothing, its own process.exit() waits at most this long. */
const EXIT_TIMEOUT = 5000;

// process.exit() cannot await a full pipe, as the end of the function does. So the flush blocks.
process.on('exit', () => {
  flushAllBlocking(EXIT_TIMEOUT);
});

async function main(): Promise<void> {
  takeRole({ isChild: true, isEvaluating: true, depth: Number(depth) });
  let run: (...args: unknown[]) => unknown;
  let args: unknown[];
  let start: Start;
  try {
    start = await orders();
    order = start.id;
    process.argv[2] = processName = start.processName;
    goTo(start.cwd);
    if (start.grace !== 'detached') native().watchLifeline(CONTROL_FD, start.grace);
    checkVersion(start);
    run = await loadFunction(start.url, start.name);
    // Only now: what the module registers is needed to read them.
    args = (await control.get()) as unknown[];
  } catch (error) {
    return end({ kind: 'no-start', of: order, error: serializeError(error) }, 1);
  }
  takeRole({ isEvaluating: false });
  const { id, context, url, name } = start;
  tell({ kind: 'started', of: id });
  role.tellReady = () => {
    role.tellReady = () => undefined;
    tell({ kind: 'ready', of: id });
  };
  role.siblings = siblings;
  void listen();
  let value: unknown;
  try {
    value = await runInContext(readContext(context), () =>
      childRun.isObserved
        ? childRun.callAsync({ target: { url, name }, name: processName }, () => run(...args))
        : run(...args),
    );
  } catch (error) {
    return end({ kind: 'error', of: id, error: serializeError(error) }, 1);
  }
  await end({ kind: 'result', of: id, value }, 0);
}

/** Resolves with the order to start. A child of a prefork prepares itself first, and waits for the order. */
async function orders(): Promise<Start> {
  const first = (await control.get()) as Start | Preparation;
  if (!('preload' in first)) return first;
  order = first.id;
  native().watchLifeline(CONTROL_FD, 0);
  checkVersion(first);
  goTo(first.cwd);
  for (const url of first.preload) await evaluate(url);
  // If the warm-up fails (no descriptor is free, say), the later call that needs a descriptor reports it.
  await warmUp().catch(() => undefined);
  tell({ kind: 'idle', of: first.id });
  try {
    return (await control.get()) as Start;
  } catch (error) {
    // The parent closed the channel without an order: the child is not needed.
    if (error instanceof EndOfStreamError) exit();
    throw error;
  }
}

function checkVersion({ protocol }: { readonly protocol: number }): void {
  if (protocol === PROTOCOL) return;
  throw new Error(
    `the parent uses version ${String(protocol)} of the control protocol, and this child ${String(PROTOCOL)}: ` +
      'two versions of @aiopipe/process are installed',
  );
}

/** Answers pings, and hears of siblings. The listener alone does not keep this process alive. */
async function listen(): Promise<void> {
  control.unref();
  try {
    for await (const message of control) hear(message as Ping | ToSibling);
  } catch (error) {
    // Without this exit the parent would wait for answers without end.
    exitUntold('can no longer read from its parent', error);
  }
  siblings.end();
}

function hear(message: Ping | ToSibling): void {
  if (message.kind === 'ping') tell({ kind: 'pong', of: message.id });
  else siblings.hear(message);
}

function tell(message: FromChild): void {
  send(control, message, (error) => {
    exitUntold(`could not send ${JSON.stringify(message.kind)} to its parent`, error);
  });
}

/** Ends a child that cannot reach its parent. A detached child may have outlived its parent, which is not a failure. */
function exitUntold(what: string, error: unknown): void {
  if (error instanceof BrokenPipeError || error instanceof ClosedError) return;
  try {
    writeSync(2, `aiopipe: process ${processName} ${what}: ${describeValue(error)}\n`);
  } catch {
    // Without stderr only the exit code reports the failure.
  }
  exit(EXIT_UNTOLD);
}

/** Flushes all output, then ends the process, even if timers are open. */
async function end(last: FromChild, exitCode: number): Promise<void> {
  role.tellReady = () => undefined;
  siblings.end();
  const code = report(last) ? exitCode : 1;
  control.ref();
  // Node's streams call it by this name.
  Object.assign(process, { nextTick });
  await Promise.all([flushAll(), flushStdio(), publishEnd(processName)]);
  exit(code);
}

/** Sends the last message. Returns false if its value cannot be sent: the parent gets that error instead. */
function report(last: FromChild): boolean {
  try {
    tell(last);
    return true;
  } catch (error) {
    tell({ kind: 'error', of: order as number, error: serializeError(renamePath(error, 'value.value', 'result')) });
    return false;
  }
}

void main();
