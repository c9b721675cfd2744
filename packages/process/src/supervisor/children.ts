import { BusyError } from '@aiopipe/core';
import { type Timer } from '@aiopipe/core/internal';
import { SupervisorError } from '../errors.js';
import { type ChildProcess } from '../start/process.js';
import { type Life } from './life.js';
import { type AnyChildSpec, type Strategy } from './spec.js';
import { type Supervisor } from './supervisor.js';

/** What a child is doing: it isn't ready yet; it runs; it waits to be started again; it doesn't run, and won't by itself. */
export type ChildState = 'starting' | 'running' | 'restarting' | 'stopped';

/** One child, as {@link Supervisor.whichChildren} tells of it. */
export interface ChildInfo {
  readonly id: string;
  readonly type: 'worker' | 'supervisor';
  readonly state: ChildState;
  /** The child, where it is a process that was started. */
  readonly process: ChildProcess | undefined;
  /** The child, where it is a supervisor that was started. */
  readonly supervisor: Supervisor | undefined;
  readonly pid: number | undefined;
  /** How often it has been started again. */
  readonly restarts: number;
}

/** How many there are. */
export interface ChildCount {
  /** Children, running or not. */
  readonly specs: number;
  /** Those that run or are being started. */
  readonly active: number;
  /** Of the specs, running or not. */
  readonly supervisors: number;
  /** Of the specs, running or not. */
  readonly workers: number;
}

/** One child of a supervisor, through all of its lives. */
export class Child {
  /** From a start until its end has been told. */
  life: Life | undefined;
  /** When that counted as started, by `now()`; undefined until then. */
  startedAt: number | undefined;
  starts = 0;
  /** It will be started again: soon, or when its {@link timer} or that of a sibling is over. */
  isRestarting = false;
  timer: Timer | undefined;
  /** Of its last lives, those that ended before they had lasted for a period. */
  endsInARow = 0;

  constructor(readonly spec: AnyChildSpec) {}

  get isTemporary(): boolean {
    return this.spec.restart === 'temporary';
  }

  get restarts(): number {
    return Math.max(0, this.starts - 1);
  }

  get state(): ChildState {
    if (this.life !== undefined) return this.startedAt === undefined ? 'starting' : 'running';
    return this.isRestarting ? 'restarting' : 'stopped';
  }

  /** It isn't started again, if it was about to be. */
  stay(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.isRestarting = false;
  }
}

/** The children of a supervisor, from left to right. */
export class ChildList {
  readonly #children = new Map<string, Child>();

  [Symbol.iterator](): IterableIterator<Child> {
    return this.#children.values();
  }

  get fromRight(): Child[] {
    return [...this].reverse();
  }

  /** Throws where there is one of its name. */
  add(spec: AnyChildSpec): Child {
    const there = this.#children.get(spec.id);
    if (there !== undefined) {
      const how = there.life === undefined ? 'restartChild() or deleteChild() it' : 'it runs';
      throw idError(`there is a child ${JSON.stringify(spec.id)} already: ${how}`);
    }
    const child = new Child(spec);
    this.#children.set(spec.id, child);
    return child;
  }

  delete(child: Child): void {
    this.#children.delete(child.spec.id);
  }

  /** Throws where there is none. */
  get(id: string): Child {
    const child = this.#children.get(id);
    if (child === undefined) {
      const ids = [...this.#children.keys()].join(', ') || 'none';
      throw idError(`there is no child ${JSON.stringify(id)} (there are: ${ids})`);
    }
    return child;
  }

  /** Throws where there is none, or it runs or is about to. */
  getStopped(id: string): Child {
    const child = this.get(id);
    if (child.state !== 'stopped')
      throw new BusyError(`child ${JSON.stringify(id)} is ${child.state}: terminateChild() it first`);
    return child;
  }

  /** Who is restarted with this one, itself among them. */
  restartedWith(child: Child, strategy: Strategy = 'one_for_one'): Child[] {
    if (strategy === 'one_for_one') return [child];
    const all = [...this];
    return strategy === 'one_for_all' ? all : all.slice(all.indexOf(child));
  }

  count(): ChildCount {
    const all = [...this];
    const supervisors = all.filter(({ spec }) => spec.type === 'supervisor').length;
    return {
      specs: all.length,
      active: all.filter(({ life }) => life !== undefined).length,
      supervisors,
      workers: all.length - supervisors,
    };
  }

  describe(): ChildInfo[] {
    return [...this].map(({ spec, state, life, restarts }) => ({
      id: spec.id,
      type: spec.type ?? 'worker',
      state,
      process: life?.process,
      supervisor: life?.supervisor,
      pid: life?.pid,
      restarts,
    }));
  }
}

function idError(message: string): SupervisorError {
  return new SupervisorError('ERR_AIOPIPE_CHILD_ID', message);
}
