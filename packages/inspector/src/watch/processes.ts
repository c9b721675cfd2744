import { basename } from 'node:path';
import type { ObservedProcess, ProcessExitMessage, ProcessStart } from '@aiopipe/core';
import { type EventLog } from '../log/event-log.js';
import { durationWords, exitWords, messageOf } from '../log/words.js';
import { hear, hearTraced } from './subscribe.js';

/** A process that this one has started, and that has not ended. */
export interface WatchedProcess {
  readonly process: ObservedProcess;
  readonly startedAt: number;
  /** The function that a child calls, and its module. */
  target: ProcessStart['target'];
  /** Its function is not called yet. */
  isStarting: boolean;
}

/** `hash of worker.js` */
export function targetWords({ name, url }: NonNullable<ProcessStart['target']>): string {
  return `${name} of ${basename(url)}`;
}

/** The processes that this process has started, by their pids. */
export class Processes {
  readonly #running = new Map<number, WatchedProcess>();
  readonly #log: EventLog;
  readonly #isPartOfChain: (pid: number) => boolean;

  /** @param isPartOfChain - whether the process is a program of a chain, which knows what of its end is a failure */
  constructor(log: EventLog, isPartOfChain: (pid: number) => boolean) {
    this.#log = log;
    this.#isPartOfChain = isPartOfChain;
    hearTraced<ProcessStart>('aiopipe:process.start', 'end', (message) => {
      this.#started(message);
    });
    hearTraced<ProcessStart>('aiopipe:process.start', 'asyncEnd', ({ process }) => {
      const watched = process && this.#running.get(process.pid);
      if (watched !== undefined) watched.isStarting = false;
    });
    hearTraced<ProcessStart>('aiopipe:process.start', 'error', ({ process, name, error }) => {
      // One that was started has an exit, too.
      if (process !== undefined) return;
      const what = `could not be started: ${messageOf(error)}`;
      this.#log.add({ kind: 'process', type: 'note', who: name, what, isFailure: true });
    });
    hear<ProcessExitMessage>('aiopipe:process.exit', (message) => {
      this.#ended(message);
    });
  }

  get running(): ReadonlyMap<number, WatchedProcess> {
    return this.#running;
  }

  #started({ process, target }: ProcessStart): void {
    if (process === undefined) return;
    const { pid, kind, name } = process;
    const isStarting = kind === 'child';
    const known = this.#running.get(pid);
    // A child that was taken from a Prefork has a start of its own.
    if (known !== undefined) Object.assign(known, { target, isStarting });
    else this.#running.set(pid, { process, startedAt: Date.now(), target, isStarting });
    const what = kind === 'prefork' ? 'was started to wait for a target' : 'was started';
    this.#log.add({ kind: 'process', type: 'started', who: name, pid, what });
  }

  #ended(message: ProcessExitMessage): void {
    const { process, exitCode, resourceUsage } = message;
    const { pid, kind, name } = process;
    const watched = this.#running.get(pid);
    this.#running.delete(pid);
    if (watched === undefined) return;
    const { target, startedAt, isStarting } = watched;
    const when = isStarting ? ' before its function was called' : '';
    const ran = target === undefined ? 'ran' : `ran ${targetWords(target)}`;
    const memory = `${(resourceUsage.maxRSS / 1024).toFixed(0)} MB at most`;
    this.#log.add({
      kind: 'process',
      type: 'ended',
      who: name,
      pid,
      what: `${exitWords(message)}${when}`,
      doing: `${ran} for ${durationWords(Date.now() - startedAt)}, ${memory}`,
      isFailure: exitCode !== 0 && !(kind === 'program' && this.#isPartOfChain(pid)),
    });
  }
}
