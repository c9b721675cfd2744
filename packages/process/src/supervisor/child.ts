import { type Timer } from '@aiopipe/core/internal';
import { type ChildInfo, type ChildState } from './interface.js';
import { type Life } from './life.js';
import { type AnyChildSpec } from './spec.js';

/** A child of a supervisor, from its specification on: what it is doing now, and what it did in its lives so far. */
export class Child {
  /** From a start until its end has been published. */
  life: Life | undefined;
  /** When that life counted as started, by `now()`; undefined until then. */
  startedAt: number | undefined;
  starts = 0;
  /** The child will be started again: soon, or when its {@link timer} or a sibling's fires. */
  isRestarting = false;
  timer: Timer | undefined;
  /** How many of its last lives in a row ended within the supervisor's period. */
  endsInARow = 0;

  constructor(readonly spec: AnyChildSpec) {}

  get restarts(): number {
    return Math.max(0, this.starts - 1);
  }

  get state(): ChildState {
    if (this.life !== undefined) return this.startedAt === undefined ? 'starting' : 'running';
    return this.isRestarting ? 'restarting' : 'stopped';
  }

  /** Cancels its restart, if one is due. */
  cancelRestart(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.isRestarting = false;
  }

  describe(): ChildInfo {
    const { spec, state, life, restarts } = this;
    return {
      id: spec.id,
      type: spec.type ?? 'worker',
      state,
      process: life?.process,
      supervisor: life?.supervisor,
      pid: life?.pid,
      restarts,
    };
  }
}
