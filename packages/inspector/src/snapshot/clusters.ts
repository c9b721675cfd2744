import type { ObservedCluster, ObservedClusterPool, ObservedMachine } from '@aiopipe/nats';
import { answerAbout, answeringMachines, type AnsweringMachine, type ClusterNotes } from '../watch/clusters.js';
import { type WeakList } from '../watch/weak-list.js';
import { type ClusterPoolSnapshot, type ClusterSnapshot, type MachineSnapshot } from './types.js';

export function snapshotClusters(list: WeakList<ObservedCluster, ClusterNotes>): ClusterSnapshot[] {
  return [...list].map(({ item: { name, machines, pools }, notes }) => {
    const answering = answeringMachines(notes);
    return {
      number: notes.number,
      name,
      startedAt: notes.startedAt,
      machines: machines.map(snapshotMachine),
      pools: pools.map((pool) => snapshotPool(pool, notes, answering)),
      answering: answering.map(({ name: machine, targets, workers, running }) => {
        return { name: machine, targets: [...targets.keys()].map(({ target }) => target), workers, running };
      }),
    };
  });
}

function snapshotMachine(machine: ObservedMachine): MachineSnapshot {
  const { name, targets, version, lease, isDraining, running, counts, stats } = machine;
  const state = isDraining ? 'draining' : 'serving';
  return { name, targets, version, state, lease, running, ...counts, workers: stats.workers };
}

function snapshotPool(
  pool: ObservedClusterPool,
  notes: ClusterNotes,
  answering: readonly AnsweringMachine[],
): ClusterPoolSnapshot {
  const { target, version, counts } = pool;
  const answer = answerAbout(pool, notes);
  return {
    target,
    version,
    ...counts,
    queued: answer?.queued,
    running: answer?.running,
    redelivered: answer?.redelivered,
    machines: answer && answering.filter(({ targets }) => targets.has(pool)).length,
  };
}
