import { aiopipe, type PipeReader, type WriteEnd } from '@aiopipe/core';
import {
  Supervisor,
  type AnyChildSpec,
  type ChildExited,
  type ChildInfo,
  type ChildSpec,
  type ChildStarted,
  type NestedSupervisor,
  type SupervisorEvent,
  type SupervisorOptions,
  type SupervisorSpec,
} from '@aiopipe/process';
import { until } from '@aiopipe/testing';
import { live } from './fixtures/lives-somehow.js';

type Worker = Omit<ChildSpec, 'target' | 'args'> & { how?: string | (() => string) };
type Nested = Omit<SupervisorSpec, 'children'> & { children: readonly WatchedSpec[] };
export type WatchedSpec = Worker | Nested;

/** A supervisor whose children tell, by a line each, that they run; and what it has told so far. Its start has begun. */
export class Watched implements AsyncDisposable {
  readonly events: SupervisorEvent[] = [];
  readonly supervisor: Supervisor;
  readonly started: Promise<unknown>;
  readonly #readers = new Map<string, PipeReader>();

  constructor(specs: readonly WatchedSpec[], options?: SupervisorOptions) {
    this.supervisor = new Supervisor(
      specs.map((spec) => this.spec(spec)),
      // However long the machine takes for some starts, they count together.
      { period: 1e9, ...options },
    );
    for (const type of ['started', 'start-failed', 'exited', 'gave-up'] as const)
      this.supervisor.on(type, (event: SupervisorEvent) => this.events.push(event));
    this.started = this.supervisor.start();
  }

  /** With arguments that let it tell; a nested one's children have a path. */
  spec(spec: Worker, parent?: string): ChildSpec<[WriteEnd, string]>;
  spec(spec: WatchedSpec, parent?: string): AnyChildSpec;
  spec(spec: WatchedSpec, parent = ''): AnyChildSpec {
    const path = `${parent}${spec.id}`;
    if (spec.type === 'supervisor') {
      return { period: 1e9, ...spec, children: spec.children.map((child) => this.spec(child, `${path}/`)) };
    }
    const { how = 'wait', ...rest } = spec;
    const args = (): [WriteEnd, string] => {
      const said = typeof how === 'string' ? how : how();
      const [rx, tx] = aiopipe();
      this.#readers.get(path)?.[Symbol.dispose]();
      this.#readers.set(path, rx.open());
      return [tx, said];
    };
    return { ...rest, target: live, args } satisfies ChildSpec<[WriteEnd, string]>;
  }

  get starts(): ChildStarted[] {
    return this.events.filter((event) => event.type === 'started');
  }

  get exits(): ChildExited[] {
    return this.events.filter((event) => event.type === 'exited');
  }

  /** The events, by type and path: `exited shop/web`. */
  get told(): string[] {
    return this.events.map(({ type, path }) => `${type} ${path.join('/')}`);
  }

  /** Those that run now. */
  get running(): ChildInfo[] {
    return this.supervisor.whichChildren().filter(({ state }) => state === 'running');
  }

  /** Resolves to the pid when the child, started last, runs its function. */
  async runs(path: string): Promise<number> {
    await until(`${path} is being started`, () => this.#readers.has(path));
    const line = String(await this.#readers.get(path)?.readLine());
    // 0, for one: a signal to that would go to all of us.
    if (!/^\d+\n$/.test(line)) throw new Error(`${path} does not run its function, but said ${JSON.stringify(line)}`);
    return Number(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.supervisor.stop();
    for (const reader of this.#readers.values()) reader[Symbol.dispose]();
  }
}

/** All that a supervisor has, as `id: pid`, and `id: { … }` for a nested one; what doesn't run has its state. */
export function shapeOf(supervisor: NestedSupervisor): Record<string, unknown> {
  return Object.fromEntries(
    supervisor
      .whichChildren()
      .map(({ id, state, pid, supervisor: nested }) => [
        id,
        state !== 'running' ? state : nested === undefined ? pid : shapeOf(nested),
      ]),
  );
}
