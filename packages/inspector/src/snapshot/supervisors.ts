import type { NestedSupervisor } from '@aiopipe/process';
import { type SupervisorNotes } from '../watch/supervisors.js';
import { type WeakList } from '../watch/weak-list.js';
import { type SupervisedSnapshot, type SupervisorSnapshot } from './types.js';

/** Returns the supervisors that no other one has started. The others are in them. */
export function snapshotSupervisors(list: WeakList<NestedSupervisor, SupervisorNotes>): SupervisorSnapshot[] {
  const nested = new Set<NestedSupervisor>();
  const read = (supervisor: NestedSupervisor, notes: SupervisorNotes): SupervisorSnapshot => {
    const { number, startedAt, lastEnds } = notes;
    const children = supervisor.whichChildren().map((child): SupervisedSnapshot => {
      const { id, type, state, pid, restarts, supervisor: inner } = child;
      if (inner !== undefined) nested.add(inner);
      const innerNotes = inner && list.notes(inner);
      const snapshot = inner && innerNotes && read(inner, innerNotes);
      return { id, type, state, pid, restarts, lastEnd: lastEnds.get(id), supervisor: snapshot };
    });
    return { number, startedAt, children };
  };
  const all = [...list].map(({ item, notes }) => ({ item, snapshot: read(item, notes) }));
  return all.filter(({ item }) => !nested.has(item)).map(({ snapshot }) => snapshot);
}
