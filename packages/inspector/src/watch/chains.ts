import type { ObservedStage, PipelineRun } from '@aiopipe/subprocess';
import { type EventLog } from '../log/event-log.js';
import { durationWords, messageOf } from '../log/words.js';
import { hearTraced } from './subscribe.js';

/** The bytes that went through a stage. */
export type StageBytes = NonNullable<ObservedStage['byteCounts']>;

/** A chain that runs. */
export interface WatchedChain {
  readonly number: number;
  readonly run: PipelineRun;
  readonly startedAt: number;
  /** What was seen last of each stage: the system forgets the counts of a program that has ended. */
  readonly lastBytes: Map<ObservedStage, StageBytes>;
}

/** The chains that run. */
export class Chains {
  readonly #running = new Map<PipelineRun, WatchedChain>();
  #count = 0;

  constructor(log: EventLog) {
    const add = (
      run: PipelineRun,
      what: string,
      more: { readonly doing?: string; readonly isFailure?: boolean } = {},
    ) => {
      const type = more.doing === undefined ? 'started' : 'ended';
      log.add({ kind: 'chain', type, who: run.chain.slice(0, 200), what, ...more });
    };
    hearTraced<PipelineRun>('aiopipe:pipeline.run', 'start', (run) => {
      const number = ++this.#count;
      this.#running.set(run, { number, run, startedAt: Date.now(), lastBytes: new Map() });
      add(run, 'was started');
    });
    hearTraced<PipelineRun>('aiopipe:pipeline.run', 'asyncEnd', (run) => {
      const watched = this.#running.get(run);
      if (watched === undefined) return;
      this.#running.delete(run);
      const doing = `ran for ${durationWords(Date.now() - watched.startedAt)}`;
      if (run.error === undefined) add(run, 'has ended', { doing });
      else add(run, `failed: ${messageOf(run.error)}`, { doing, isFailure: true });
    });
  }

  get running(): Iterable<WatchedChain> {
    return this.#running.values();
  }

  /** Whether a process is a program of a chain that runs. */
  holds(pid: number): boolean {
    for (const { run } of this.#running.values()) {
      if (run.stages.some(({ result }) => result.pid === pid)) return true;
    }
    return false;
  }
}
