import type { BatchObservableCallback } from '@opentelemetry/api';
import type {
  ClusterMessage,
  ClusterTask,
  MachineCounts,
  MachineMessage,
  ObservedCluster,
  ObservedMachine,
} from '@aiopipe/nats';
import { errorType } from '../error-type.js';
import { SECONDS } from './buckets.js';
import { Instruments } from './instruments.js';
import { all, listen, type Undo } from '../subscribe.js';

/** Measures the tasks of clusters, at their callers and on the machines of this process. */
export function measureClusters(): Undo {
  const clusters = new OpenClusters();
  const machines = new Machines();
  const instruments = new Instruments((meter, onEnd) => {
    const outstanding = meter.createObservableUpDownCounter('aiopipe.cluster.task.outstanding', {
      description: 'Tasks of a cluster whose callers wait.',
      unit: '{task}',
    });
    const running = meter.createObservableUpDownCounter('aiopipe.machine.task.running', {
      description: 'Tasks that a machine has taken, and whose workers are not free again.',
      unit: '{task}',
    });
    const tasks = meter.createObservableCounter('aiopipe.machine.tasks', {
      description: 'Tasks that a machine has taken, by what became of them.',
      unit: '{task}',
    });
    const redeliveries = meter.createObservableCounter('aiopipe.machine.redeliveries', {
      description: 'Tasks of a machine that had been delivered before, to it or to another.',
      unit: '{task}',
    });
    const observed = [outstanding, running, tasks, redeliveries];
    const observe: BatchObservableCallback = (result) => {
      for (const { attributes, count } of clusters.outstanding()) result.observe(outstanding, count, attributes);
      for (const { attributes, running: now, counts } of machines.now()) {
        result.observe(running, now, attributes);
        for (const outcome of ['completed', 'failed', 'cancelled'] as const) {
          result.observe(tasks, counts[outcome], { ...attributes, 'aiopipe.task.outcome': outcome });
        }
        result.observe(tasks, counts.handedBack, { ...attributes, 'aiopipe.task.outcome': 'handed_back' });
        result.observe(redeliveries, counts.redelivered, attributes);
      }
    };
    meter.addBatchObservableCallback(observe, observed);
    onEnd(() => {
      meter.removeBatchObservableCallback(observe, observed);
    });
    return {
      duration: meter.createHistogram('aiopipe.cluster.task.duration', {
        description: 'Time from the call of a task of a cluster until its caller knew the outcome.',
        unit: 's',
        advice: { explicitBucketBoundaries: SECONDS },
      }),
      retries: meter.createCounter('aiopipe.cluster.task.retries', {
        description: 'How often tasks of a cluster were delivered again before they were answered.',
        unit: '{retry}',
      }),
    };
  });
  return all(
    listen<ClusterMessage>('aiopipe:cluster.open', ({ cluster }) => {
      clusters.add(cluster);
      void instruments.current;
    }),
    listen<ClusterMessage>('aiopipe:cluster.close', ({ cluster }) => {
      clusters.delete(cluster);
    }),
    listen<MachineMessage>('aiopipe:machine.open', ({ machine }) => {
      machines.add(machine);
      void instruments.current;
    }),
    listen<MachineMessage>('aiopipe:machine.close', ({ machine }) => {
      machines.delete(machine);
    }),
    listen<ClusterTask>('tracing:aiopipe:cluster.task:asyncEnd', (task) => {
      const { duration, retries } = instruments.current;
      const attributes = targetAttributes(task.cluster, task.target);
      const outcome = 'error' in task && { 'error.type': errorType(task.error) };
      // The wall clock may have been set back.
      duration.record(Math.max(0, Date.now() - task.calledAt) / 1000, { ...attributes, ...outcome });
      if (task.attempts !== undefined && task.attempts > 1) retries.add(task.attempts - 1, attributes);
    }),
    () => {
      instruments.end();
    },
  );
}

function targetAttributes(cluster: string, target: string) {
  return { 'aiopipe.cluster': cluster, 'messaging.destination.name': target };
}

interface Outstanding {
  readonly attributes: ReturnType<typeof targetAttributes>;
  count: number;
}

/** The clusters of this process. Two may have the same name, and a target may have two versions. */
class OpenClusters {
  readonly #open = new Set<ObservedCluster>();
  /** The targets stay: the SDK would go on to report the last count of one that is no longer observed. */
  readonly #targets = new Map<string, Outstanding>();

  add(cluster: ObservedCluster): void {
    this.#open.add(cluster);
  }

  delete(cluster: ObservedCluster): void {
    this.#open.delete(cluster);
  }

  outstanding(): Iterable<Outstanding> {
    for (const target of this.#targets.values()) target.count = 0;
    for (const { name, pools } of this.#open) {
      for (const { target, counts } of pools) {
        const key = JSON.stringify([name, target]);
        let known = this.#targets.get(key);
        if (known === undefined)
          this.#targets.set(key, (known = { attributes: targetAttributes(name, target), count: 0 }));
        known.count += counts.outstanding;
      }
    }
    return this.#targets.values();
  }
}

const NONE: MachineCounts = { completed: 0, failed: 0, cancelled: 0, handedBack: 0, redelivered: 0 };

interface MachinesOfOneName {
  readonly attributes: { readonly 'aiopipe.cluster': string; readonly 'aiopipe.machine': string };
  readonly open: Set<ObservedMachine>;
  /** The counts of those that are closed: the sums never fall. */
  ended: MachineCounts;
}

/** The machines of this process, by their names: another one may take the name of one that is closed. */
class Machines {
  readonly #byName = new Map<string, MachinesOfOneName>();

  add(machine: ObservedMachine): void {
    this.#of(machine).open.add(machine);
  }

  delete(machine: ObservedMachine): void {
    const same = this.#of(machine);
    if (same.open.delete(machine)) same.ended = sum(same.ended, machine.counts);
  }

  *now() {
    for (const { attributes, open, ended } of this.#byName.values()) {
      let [running, counts] = [0, ended];
      for (const machine of open) [running, counts] = [running + machine.running, sum(counts, machine.counts)];
      yield { attributes, running, counts };
    }
  }

  #of({ name, cluster }: ObservedMachine): MachinesOfOneName {
    const key = JSON.stringify([cluster, name]);
    let same = this.#byName.get(key);
    if (same === undefined) {
      const attributes = { 'aiopipe.cluster': cluster, 'aiopipe.machine': name };
      this.#byName.set(key, (same = { attributes, open: new Set(), ended: NONE }));
    }
    return same;
  }
}

function sum(one: MachineCounts, other: MachineCounts): MachineCounts {
  return {
    completed: one.completed + other.completed,
    failed: one.failed + other.failed,
    cancelled: one.cancelled + other.cancelled,
    handedBack: one.handedBack + other.handedBack,
    redelivered: one.redelivered + other.redelivered,
  };
}
