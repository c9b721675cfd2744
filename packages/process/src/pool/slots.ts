import { now, Timer } from '@aiopipe/core/internal';
import { type Backlog } from './backlog.js';
import { type PoolSettings } from './options.js';
import { type Slot } from './slot.js';
import { StartDelay } from './start-delay.js';
import { type Task } from './task.js';
import { RestartIntensity } from '../supervisor/restart-intensity.js';

const keysOf = ({ owner }: Slot): number => owner.lanes.size;

/** The slots of a pool: how many there are, and which are idle. */
export class Slots {
  /** Slots whose workers are starting, idle or busy. */
  readonly active = new Set<Slot>();
  /** Slots that get no more tasks, until their workers are gone. */
  readonly leaving = new Set<Slot>();
  readonly #settings: PoolSettings;
  readonly #backlog: Backlog;
  readonly #open: (workerName: string) => Slot;
  readonly #namePrefix: string;
  readonly #restarts: RestartIntensity;
  readonly #startDelay: StartDelay;
  /** The last one is next to work, so that the first ones stay idle long enough to be ended. */
  readonly #idle: Slot[] = [];
  #started = 0;
  /** The workers in a row that died before they were ready, while the pool had no other. */
  #deadAtStart = 0;
  #isHeld = false;
  #shrinkTimer: Timer | undefined;

  /**
   * @param name - the beginning of the workers' names, unless the options have one
   * @param open - starts a worker; throws if it cannot
   * @param tryAgain - called some time after {@link failedToStart}
   */
  constructor(
    name: string,
    settings: PoolSettings,
    backlog: Backlog,
    open: (workerName: string) => Slot,
    tryAgain: () => void,
  ) {
    this.#namePrefix = settings.options?.name ?? name;
    this.#settings = settings;
    this.#backlog = backlog;
    this.#open = open;
    this.#restarts = new RestartIntensity(settings.intensity, settings.period);
    this.#startDelay = new StartDelay(settings.intensity, tryAgain);
  }

  /** How many tasks were sent ahead to workers that have not begun them. */
  get ahead(): number {
    let count = 0;
    for (const { load } of this.active) if (load > 1) count += load - 1;
    return count;
  }

  get starting(): number {
    let count = 0;
    for (const { isReady } of this.active) if (!isReady) count++;
    return count;
  }

  /** The slot that has this task. */
  find(task: Task): Slot | undefined {
    for (const slots of [this.active, this.leaving]) {
      for (const slot of slots) if (slot.tasks.includes(task)) return slot;
    }
    return undefined;
  }

  get hasIdle(): boolean {
    return this.#idle.length > 0;
  }

  /** Whether a worker is idle that is not slow to begin. */
  get hasPromptIdle(): boolean {
    return this.#idle.at(-1)?.isBehind === false;
  }

  /** Takes the idle slot out of the idle ones that is next to work. A task with a new key goes to the one with the fewest keys. */
  takeIdle({ lane }: Task): Slot | undefined {
    if (lane !== undefined) return this.#takeFreest();
    const slot = this.#idle.pop();
    if (slot !== undefined) slot.isIdle = false;
    return slot;
  }

  #takeFreest(): Slot | undefined {
    let freest = this.#idle.at(-1);
    for (const slot of this.#idle) {
      if (freest === undefined || (slot.isBehind === freest.isBehind && keysOf(slot) < keysOf(freest))) freest = slot;
    }
    if (freest !== undefined) this.removeIdle(freest);
    return freest;
  }

  removeIdle(slot: Slot): void {
    slot.isIdle = false;
    this.#idle.splice(this.#idle.indexOf(slot), 1);
  }

  /** An idle worker that was slow to begin is no longer the last to get a task. */
  moveUp(slot: Slot): void {
    this.#idle.splice(this.#idle.indexOf(slot), 1);
    this.#idle.push(slot);
  }

  /** Adds a slot to the idle ones. A worker that was slow to begin is the last to get a task. */
  addIdle(slot: Slot): void {
    // A broken one is about to be dismissed.
    if (slot.isIdle || slot.brokenBy !== undefined) return;
    slot.isIdle = true;
    if (slot.isBehind) this.#idle.unshift(slot);
    else this.#idle.push(slot);
    if (this.#settings.min === this.#settings.max) return;
    slot.idleSince = now();
    this.#shrinkLater();
  }

  #shrinkLater(): void {
    const [longest] = this.#idle;
    if (longest === undefined || this.#shrinkTimer !== undefined || this.active.size <= this.#settings.min) return;
    const delay = longest.idleSince + this.#settings.idleTimeout - now();
    const shrink = () => {
      this.#shrinkTimer = undefined;
      this.#shrink();
    };
    this.#shrinkTimer = new Timer(shrink, Math.max(delay, 0)).unref();
  }

  #shrink(): void {
    const since = now() - this.#settings.idleTimeout;
    while (this.active.size > this.#settings.min) {
      const [longest] = this.#idle;
      if (longest === undefined || longest.idleSince > since) break;
      this.dismiss(longest);
      longest.retire('idle');
    }
    this.#shrinkLater();
  }

  /** Starts workers until there are as many as there must be. Throws if one cannot be started. */
  refill(): void {
    if (this.#startDelay.isWaiting) return;
    while (this.active.size < this.#settings.min) this.#start();
  }

  /** Starts a slot for each task that waits, up to the maximum. Throws as {@link refill}. */
  grow(waiting: number): void {
    if (this.active.size >= this.#settings.max || this.#startDelay.isWaiting) return;
    for (let { starting } = this; starting < waiting && this.active.size < this.#settings.max; starting++)
      this.#start();
  }

  #start(): void {
    const slot = this.#open(`${this.#namePrefix}-${String(++this.#started)}`);
    this.active.add(slot);
    if (this.#isDaemon && !this.#isHeld) slot.worker.hold(false);
  }

  /** A worker has started. */
  started(slot: Slot): void {
    slot.isReady = true;
    this.#deadAtStart = 0;
    this.#startDelay.succeeded();
  }

  /** Notes a start that failed because of a shortage. Returns false if too many starts have failed. */
  failedToStart(): boolean {
    return this.#startDelay.failed(this.#hasReady);
  }

  get #hasReady(): boolean {
    for (const { isReady } of this.active) if (isReady) return true;
    return false;
  }

  /** Gives no more tasks to this slot. */
  dismiss(slot: Slot): void {
    this.active.delete(slot);
    this.leaving.add(slot);
    if (slot.load === 0) this.#release(slot);
    if (slot.isIdle) this.removeIdle(slot);
  }

  /** Forgets the slot of a worker that has ended, and whose tasks were given to others or are settled. */
  forget(slot: Slot): void {
    this.leaving.delete(slot);
    this.#release(slot);
  }

  /** Its keys are free. Not before its task has ended, so that two tasks of one key never run at once. */
  #release({ owner }: Slot): void {
    if (owner.lanes.size > 0) this.#backlog.release(owner);
  }

  /** Counts a worker that died by itself. Returns why the pool must give up, if that was one too many. */
  countDeath({ isReady }: Slot): string | undefined {
    const { intensity, period } = this.#settings;
    if (!isReady) this.#deadAtStart = this.#hasReady ? 0 : this.#deadAtStart + 1;
    if (!this.#restarts.allowsOneMore())
      return `more than ${String(intensity)} workers have died within ${String(period)} ms (intensity and period)`;
    // Slow starts may never be too many for a period: the target's module cannot be loaded, say.
    if (this.#deadAtStart > intensity)
      return `more than ${String(intensity)} workers in a row have died before they were ready (intensity)`;
    return undefined;
  }

  /** Dismisses all slots, and ends each one in the given way. */
  end(way: (slot: Slot) => void): void {
    this.#shrinkTimer?.cancel();
    this.#startDelay.cancel();
    for (const slot of this.active) {
      this.dismiss(slot);
      way(slot);
    }
  }

  /** Resolves when all leaving workers are gone. */
  async gone(): Promise<void> {
    await Promise.all([...this.leaving].map(({ worker }) => worker.closed));
  }

  get #isDaemon(): boolean {
    return this.#settings.options?.daemon === true;
  }

  /** Whether waiting for answers keeps this process alive. Workers that are no daemons do so in any case. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#startDelay.hold(isHeld);
    if (this.#isDaemon) for (const { worker } of this.active) worker.hold(isHeld);
  }
}
