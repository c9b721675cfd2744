/**
 * What a child process runs: it takes its orders from the control channel, calls its function, reports, and ends.
 *
 * @module
 */
import { Channel } from '@aiopipe/codec';
import { putNow } from '@aiopipe/codec/internal';
import { BrokenPipeError, DuplexEnd } from '@aiopipe/core';
import { flushAll, flushAllBlocking, native } from '@aiopipe/core/internal';
import { flushStdio } from './child-stdio.js';
import { renamePath } from './message-path.js';
import { portableError } from './portable-error.js';
import { CONTROL_FD, PROTOCOL, type News, type Ping, type Preparation, type Report, type Start } from './protocol.js';
import { role } from './role.js';
import { evaluate, loadFunction } from './target.js';
import { warmUp } from './warm-up.js';

const control = Channel.from<Report | News, unknown>(DuplexEnd.fromFd(CONTROL_FD));

/** As Node has it: a target's module may put a function of its own in its place, that returns. */
const exit = process.exit.bind(process) as typeof process.exit;

// An error outside the target's own promise ends the process as always; here it is only told.
process.on('uncaughtExceptionMonitor', (error) => {
  report({ kind: 'error', error: portableError(error) });
});

/** Milliseconds that messages which nobody takes hold up a child that ends by its own process.exit(). */
const EXIT_TIMEOUT = 5000;

// That leaves no time to wait for a full pipe as at the function's end.
process.on('exit', () => {
  flushAllBlocking(EXIT_TIMEOUT);
});

async function main(): Promise<void> {
  role.isChild = role.isEvaluating = true;
  const start = await orders();
  if (start === undefined) return;
  process.argv[2] = start.processName;
  role.depth = start.depth;
  if (start.grace !== 'detached') native().watchLifeline(CONTROL_FD, start.grace);

  let run: (...args: unknown[]) => unknown;
  let args: unknown[];
  try {
    checkVersion(start);
    run = await loadFunction(start.url, start.name);
    // Only now: what the module registers is needed to read them.
    args = (await control.get()) as unknown[];
  } catch (error) {
    return end({ kind: 'no-start', error: portableError(error) }, 1);
  }
  role.isEvaluating = false;
  tell({ kind: 'started' });
  role.tellReady = () => {
    role.tellReady = () => undefined;
    tell({ kind: 'ready' });
  };
  void answerPings();
  let value: unknown;
  try {
    value = await run(...args);
  } catch (error) {
    return end({ kind: 'error', error: portableError(error) }, 1);
  }
  await end({ kind: 'result', value }, 0);
}

/** What to do, once that is known: one that was started before it was needed prepares itself, and waits. */
async function orders(): Promise<Start | undefined> {
  const first = (await control.get()) as Start | Preparation;
  if (!('preload' in first)) return first;
  native().watchLifeline(CONTROL_FD, 0);
  try {
    checkVersion(first);
    for (const url of first.preload) await evaluate(url);
  } catch (error) {
    await end({ kind: 'no-start', error: portableError(error) }, 1);
    return undefined;
  }
  // Where it fails, for want of descriptors say, whoever needs them will hear of that.
  await warmUp().catch(() => undefined);
  tell({ kind: 'idle' });
  try {
    return (await control.get()) as Start;
  } catch {
    // Nobody needs it any more.
    exit();
  }
}

function checkVersion({ protocol }: { readonly protocol: number }): void {
  if (protocol === PROTOCOL) return;
  throw new Error(
    `the parent speaks version ${String(protocol)} of the control protocol, this child ${String(PROTOCOL)}: ` +
      'two versions of @aiopipe/process are installed',
  );
}

/** Whoever listens holds no loop: with nothing left to do, the process ends. */
async function answerPings(): Promise<void> {
  control.unref();
  try {
    for await (const message of control) tell({ kind: 'pong', id: (message as Ping).id });
  } catch {
    // The parent is gone, which the lifeline deals with.
  }
}

/** A detached child may have outlived whoever would be told. */
function tell(news: News): void {
  try {
    putNow(control, news);
  } catch (error) {
    if (!(error instanceof BrokenPipeError)) throw error;
  }
}

/** Everything is flushed, then the process ends, even with timers open. */
async function end(last: Report, exitCode: number): Promise<void> {
  const code = report(last) ? exitCode : 1;
  control.ref();
  await Promise.all([flushAll(), flushStdio()]);
  exit(code);
}

/** False: what was to be told can't be sent, and that was told instead. */
function report(last: Report): boolean {
  try {
    putNow(control, last);
    return true;
  } catch (error) {
    // A detached child may have outlived whoever would be told: that is no failure of its own.
    if (error instanceof BrokenPipeError) return true;
    putNow(control, { kind: 'error', error: portableError(renamePath(error, 'value.value', 'result')) });
    return false;
  }
}

void main();
