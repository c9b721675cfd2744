/**
 * What a child process runs: it takes its orders from the control channel, calls its function, reports, and ends.
 *
 * @module
 */
import { Channel } from '@aiopipe/codec';
import { putNow } from '@aiopipe/codec/internal';
import { BrokenPipeError, DuplexEnd } from '@aiopipe/core';
import { flushAll, native } from '@aiopipe/core/internal';
import { flushStdio } from './child-stdio.js';
import { portableError } from './portable-error.js';
import { CONTROL_FD, PROTOCOL, type News, type Ping, type Report, type Start } from './protocol.js';
import { role } from './role.js';
import { loadFunction } from './target.js';

const control = Channel.from<Report | News, unknown>(DuplexEnd.fromFd(CONTROL_FD));

// An error outside the target's own promise ends the process as always; here it is only told.
process.on('uncaughtExceptionMonitor', (error) => {
  report({ kind: 'error', error: portableError(error) });
});

async function main(): Promise<void> {
  role.isChild = true;
  const start = (await control.get()) as Start;
  if (start.grace !== 'detached') native().watchLifeline(CONTROL_FD, start.grace);

  let run: (...args: unknown[]) => unknown;
  let args: unknown[];
  try {
    if (start.protocol !== PROTOCOL) {
      throw new Error(
        `the parent speaks version ${String(start.protocol)} of the control protocol, this child ${String(PROTOCOL)}: ` +
          'two versions of @aiopipe/process are installed',
      );
    }
    run = await loadFunction(start.url, start.name);
    // Only now: what the module registers is needed to read them.
    args = (await control.get()) as unknown[];
  } catch (error) {
    return end({ kind: 'no-start', error: portableError(error) }, 1);
  }
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
  process.exit(code);
}

/** False: what was to be told can't be sent, and that was told instead. */
function report(last: Report): boolean {
  try {
    putNow(control, last);
    return true;
  } catch (error) {
    // A detached child may have outlived whoever would be told.
    if (!(error instanceof BrokenPipeError)) putNow(control, { kind: 'error', error: portableError(error) });
    return false;
  }
}

void main();
