import { Agenda } from './agenda.js';
import { exponential, randomFrom } from './random.js';

/** A cluster, or several of them that share the load. Times are milliseconds. */
export interface Setup {
  readonly seed: number;
  /** How long tasks come. */
  readonly duration: number;
  /** Tasks a second, over all clusters; they come at random. */
  readonly rate: number;
  /** Clusters: each has a stream, and an equal share of the tasks and of the machines. */
  readonly clusters: number;
  readonly machines: number;
  /** Tasks that a machine runs at once. */
  readonly workers: number;
  /** The mean time of a task; the times are exponential, or all the same. */
  readonly task: number;
  readonly isFixed?: boolean;
  /** What the server of a stream needs for one task: it does one after the other. */
  readonly serve: number;
  /** From the server to a worker and from there to the caller: all that is neither queue nor work. */
  readonly travel: number;
  readonly lease: number;
  /** The mean time between two deaths of one machine. */
  readonly life: number;
  /** From a machine's death until it takes tasks again. */
  readonly restart: number;
}

export interface Outcome {
  readonly tasks: number;
  /** Milliseconds from a task's call to its result. */
  readonly mean: number;
  readonly median: number;
  readonly p99: number;
  readonly worst: number;
  readonly deaths: number;
  /** Tasks that a dead machine had, and that others ran. */
  readonly redelivered: number;
  /** The most tasks that waited for a worker or for the server of one stream. */
  readonly mostWaiting: number;
  /** The share of the time in which the server of a stream was at work. */
  readonly serverLoad: number;
}

/** Renewals of a lease while it lasts: a dead machine has renewed it within the last third. */
const RENEWALS = 3;

interface Task {
  readonly called: number;
  /** Of what has it, to tell a late end from that of another try. */
  tries: number;
}

interface Machine {
  readonly running: Set<Task>;
  isDead: boolean;
}

type Event =
  | { readonly kind: 'call' }
  | { readonly kind: 'stored'; readonly task: Task }
  | { readonly kind: 'done'; readonly task: Task; readonly machine: Machine; readonly tries: number }
  | { readonly kind: 'death'; readonly machine: Machine }
  | { readonly kind: 'restart'; readonly machine: Machine };

/** One cluster: its stream is a queue, its machines are the servers of it. */
class SimulatedCluster {
  readonly #setup: Setup;
  readonly #random: () => number;
  readonly #agenda = new Agenda<Event>();
  readonly #machines: Machine[];
  /** Free workers, by their machines: the one that has asked first is served first. */
  readonly #asking: Machine[] = [];
  #askingFrom = 0;
  readonly #waiting: Task[] = [];
  #waitingFrom = 0;
  #serverFree = 0;
  #serverBusy = 0;
  #called = 0;
  #inLine = 0;
  readonly times: number[] = [];
  deaths = 0;
  redelivered = 0;
  mostWaiting = 0;

  constructor(setup: Setup, seed: number, machines: number) {
    this.#setup = setup;
    this.#random = randomFrom(seed);
    this.#machines = Array.from({ length: machines }, () => ({ running: new Set<Task>(), isDead: false }));
  }

  run(): void {
    const { duration, workers } = this.#setup;
    this.#agenda.add(this.#untilCall(), { kind: 'call' });
    for (let worker = 0; worker < workers; worker++) for (const machine of this.#machines) this.#asking.push(machine);
    for (const machine of this.#machines) this.#willDie(machine, 0);
    while (this.#agenda.size > 0) {
      const { time, event } = this.#agenda.next();
      // Deaths after the last call and result change nothing.
      if (time > duration && this.times.length === this.#called) break;
      this.#happen(time, event);
    }
  }

  get load(): number {
    return this.#serverBusy / Math.max(this.#setup.duration, this.#serverFree);
  }

  #untilCall(): number {
    return exponential(this.#random, (1000 * this.#setup.clusters) / this.#setup.rate);
  }

  #happen(time: number, event: Event): void {
    const { duration, serve, life, restart, workers } = this.#setup;
    switch (event.kind) {
      case 'call': {
        this.#called++;
        this.#waits();
        this.#serverFree = Math.max(this.#serverFree, time) + serve;
        this.#serverBusy += serve;
        this.#agenda.add(this.#serverFree, { kind: 'stored', task: { called: time, tries: 0 } });
        const next = time + this.#untilCall();
        if (next < duration) this.#agenda.add(next, event);
        return;
      }
      case 'stored':
        this.#waiting.push(event.task);
        break;
      case 'done': {
        const { task, machine, tries } = event;
        if (machine.isDead || !machine.running.has(task) || task.tries !== tries) return;
        machine.running.delete(task);
        this.times.push(time - task.called);
        this.#asking.push(machine);
        break;
      }
      case 'death': {
        const { machine } = event;
        if (life === Infinity) return;
        this.deaths++;
        machine.isDead = true;
        for (const task of machine.running) this.#comesBack(task, time);
        this.redelivered += machine.running.size;
        machine.running.clear();
        this.#agenda.add(time + restart, { kind: 'restart', machine });
        return;
      }
      case 'restart': {
        const { machine } = event;
        machine.isDead = false;
        // What it had asked for before its death is gone.
        const others = this.#asking.slice(this.#askingFrom).filter((each) => each !== machine);
        this.#asking.splice(0, Infinity, ...others);
        this.#askingFrom = 0;
        for (let worker = 0; worker < workers; worker++) this.#asking.push(machine);
        this.#willDie(machine, time);
        break;
      }
    }
    this.#deliver(time);
  }

  #willDie(machine: Machine, time: number): void {
    const { life } = this.#setup;
    if (life < Infinity) this.#agenda.add(time + exponential(this.#random, life), { kind: 'death', machine });
  }

  #waits(): void {
    this.mostWaiting = Math.max(this.mostWaiting, ++this.#inLine);
  }

  #comesBack(task: Task, death: number): void {
    const { lease } = this.#setup;
    this.#waits();
    const sinceRenewal = (this.#random() * lease) / RENEWALS;
    this.#agenda.add(death + lease - sinceRenewal, { kind: 'stored', task });
  }

  #deliver(time: number): void {
    const { task: mean, isFixed = false, travel } = this.#setup;
    while (this.#waitingFrom < this.#waiting.length && this.#askingFrom < this.#asking.length) {
      const machine = this.#asking[this.#askingFrom++] as Machine;
      if (machine.isDead) continue;
      const task = this.#waiting[this.#waitingFrom++] as Task;
      this.#inLine--;
      task.tries++;
      machine.running.add(task);
      const work = isFixed ? mean : exponential(this.#random, mean);
      this.#agenda.add(time + travel + work, { kind: 'done', task, machine, tries: task.tries });
    }
    this.#forget();
  }

  /** Drops what was taken, now and then: a queue must not grow for ever. */
  #forget(): void {
    if (this.#waitingFrom > 100_000) {
      this.#waiting.splice(0, this.#waitingFrom);
      this.#waitingFrom = 0;
    }
    if (this.#askingFrom > 100_000) {
      this.#asking.splice(0, this.#askingFrom);
      this.#askingFrom = 0;
    }
  }
}

/** The seed of one of the clusters. Its first numbers are the times between calls, if nothing else happens by chance. */
export const seedOf = (seed: number, cluster: number): number => seed * 1009 + cluster;

/** Lets tasks come for the setup's duration, and goes on until all are done. */
export function simulate(setup: Setup): Outcome {
  const { clusters, machines, seed } = setup;
  const all = Array.from({ length: clusters }, (_, index) => {
    const share = Math.floor(((index + 1) * machines) / clusters) - Math.floor((index * machines) / clusters);
    const cluster = new SimulatedCluster(setup, seedOf(seed, index), share);
    cluster.run();
    return cluster;
  });
  const times = Float64Array.from(all.flatMap((cluster) => cluster.times)).sort();
  const sum = (figure: (cluster: SimulatedCluster) => number) => all.reduce((total, each) => total + figure(each), 0);
  const most = (figure: (cluster: SimulatedCluster) => number) => Math.max(...all.map(figure));
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
  return {
    tasks: times.length,
    mean: times.reduce((total, time) => total + time, 0) / Math.max(1, times.length),
    median: at(0.5),
    p99: at(0.99),
    worst: at(1),
    deaths: sum(({ deaths }) => deaths),
    redelivered: sum(({ redelivered }) => redelivered),
    mostWaiting: most(({ mostWaiting }) => mostWaiting),
    serverLoad: most(({ load }) => load),
  };
}
