import { now, Timer } from '@aiopipe/core/internal';
import { type PoolSettings } from './options.js';
import { type StartLink } from './link.js';
import { Worker, type WorkerOwner } from './worker.js';
import { RestartIntensity } from '../supervisor/restart-intensity.js';
import { type Target } from '../target/target.js';

/** The workers of a pool: how many there are, and who of them is idle. */
export class Crew {
  /** Those that are there to work: starting, idle, or busy. */
  readonly workers = new Set<Worker>();
  /** Those that get no more tasks, until nothing of them is left. */
  readonly leaving = new Set<Worker>();
  readonly #target: Pick<Target, 'url' | 'name'>;
  readonly #settings: PoolSettings;
  readonly #owner: WorkerOwner;
  readonly #startLink: StartLink;
  readonly #restarts: RestartIntensity;
  /** Who came last is next to work, so that the others stay idle long enough to be let go. */
  readonly #idle: Worker[] = [];
  #started = 0;
  #isHeld = false;
  #shrinkTimer: Timer | undefined;

  constructor(target: Pick<Target, 'url' | 'name'>, settings: PoolSettings, owner: WorkerOwner, start: StartLink) {
    this.#target = target;
    this.#settings = settings;
    this.#owner = owner;
    this.#startLink = start;
    this.#restarts = new RestartIntensity(settings.intensity, settings.period);
  }

  get starting(): number {
    let count = 0;
    for (const { isReady } of this.workers) if (!isReady) count++;
    return count;
  }

  get hasIdle(): boolean {
    return this.#idle.length > 0;
  }

  /** Whether one is idle that can be expected to begin at once. */
  get hasPromptIdle(): boolean {
    return this.#idle.at(-1)?.isBehind === false;
  }

  /** One that is idle, and no longer counts as that. */
  takeIdle(): Worker | undefined {
    const worker = this.#idle.pop();
    if (worker !== undefined) worker.isIdle = false;
    return worker;
  }

  /** It is as good as those that were idle before it. */
  moveUp(worker: Worker): void {
    this.#idle.splice(this.#idle.indexOf(worker), 1);
    this.#idle.push(worker);
  }

  /** It has nothing to do. One that was slow to begin is the last to get something. */
  rest(worker: Worker): void {
    // One that has just broken will be dismissed.
    if (worker.isIdle || worker.brokenBy !== undefined) return;
    worker.isIdle = true;
    if (worker.isBehind) this.#idle.unshift(worker);
    else this.#idle.push(worker);
    if (this.#settings.min === this.#settings.max) return;
    worker.idleSince = now();
    this.#shrinkLater();
  }

  #shrinkLater(): void {
    const [longest] = this.#idle;
    if (longest === undefined || this.#shrinkTimer !== undefined || this.workers.size <= this.#settings.min) return;
    const delay = longest.idleSince + this.#settings.idleTimeout - now();
    const shrink = () => {
      this.#shrinkTimer = undefined;
      this.#shrink();
    };
    this.#shrinkTimer = new Timer(shrink, Math.max(delay, 0)).unref();
  }

  #shrink(): void {
    const since = now() - this.#settings.idleTimeout;
    while (this.workers.size > this.#settings.min) {
      const [longest] = this.#idle;
      if (longest === undefined || longest.idleSince > since) break;
      this.dismiss(longest);
      longest.retire();
    }
    this.#shrinkLater();
  }

  /** As many as there are to be at least. Throws where none can be started. */
  refill(): void {
    while (this.workers.size < this.#settings.min) this.#start();
  }

  /** One for each task that waits, as many as there may be. Throws as {@link refill}. */
  grow(waiting: number): void {
    if (this.workers.size >= this.#settings.max) return;
    for (let { starting } = this; starting < waiting && this.workers.size < this.#settings.max; starting++)
      this.#start();
  }

  #start(): void {
    const { name, url } = this.#target;
    const prefix = this.#settings.options?.name ?? name;
    const settings = { ...this.#settings, url, target: name };
    const worker = new Worker(`${prefix}-${String(++this.#started)}`, this.#owner, settings, this.#startLink);
    this.workers.add(worker);
    if (this.#isDaemon && !this.#isHeld) worker.hold(false);
  }

  /** It gets no more tasks. */
  dismiss(worker: Worker): void {
    this.workers.delete(worker);
    this.leaving.add(worker);
    if (!worker.isIdle) return;
    worker.isIdle = false;
    this.#idle.splice(this.#idle.indexOf(worker), 1);
  }

  /** Nothing of it is left. */
  forget(worker: Worker): void {
    this.leaving.delete(worker);
  }

  /** Of a worker that died though nobody wanted that. False: it was one too many. */
  bearsOneMore(): boolean {
    return this.#restarts.allowsOneMore();
  }

  get tooMany(): string {
    const { intensity, period } = this.#settings;
    return `more than ${String(intensity)} workers have died within ${String(period)} ms (intensity and period)`;
  }

  /** All of them go, in the given way. */
  end(way: (worker: Worker) => void): void {
    this.#shrinkTimer?.cancel();
    for (const worker of this.workers) {
      this.dismiss(worker);
      way(worker);
    }
  }

  /** Resolves when all that go have gone. */
  async gone(): Promise<void> {
    await Promise.all([...this.leaving].map(({ closed }) => closed));
  }

  get #isDaemon(): boolean {
    return this.#settings.options?.daemon === true;
  }

  /** Whether waiting for the workers' answers keeps this process alive. Those that aren't daemons do so in any case. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (this.#isDaemon) for (const worker of this.workers) worker.hold(isHeld);
  }
}
