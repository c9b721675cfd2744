import { checkPartitionKey } from '../sibling/partition-key.js';
import { type ChildSpec, type PartitionedSpec, type SupervisorSpec } from './spec.js';

/** A specification of partitions, as the supervisor that they are made of. */
interface Expanded extends SupervisorSpec {
  readonly partitions: number;
}

/** Returns the supervisor that a specification of partitions stands for: a child for each partition, `'0'` and so on. */
export function expand(spec: PartitionedSpec): SupervisorSpec {
  const { id, partitions, args, intensity, period, backoff, options, type: _, ...fields } = spec;
  const children = Array.from({ length: partitions }, (__, index): ChildSpec => {
    const own = typeof args === 'function' ? () => (args as (index: number) => readonly unknown[])(index) : args;
    const name = `${options?.name ?? id}-${String(index)}`;
    return { ...fields, id: String(index), args: own ?? [], options: { ...options, name } };
  });
  const expanded: Expanded = { id, type: 'supervisor', children, intensity, period, backoff, partitions };
  return expanded;
}

/** Returns how many partitions a child has; undefined if it has none. */
export function partitionsOf(spec: { readonly id: string }): number | undefined {
  return (spec as Partial<Expanded>).partitions;
}

/** Returns the id of the partition for a key. Throws TypeError if the child has no partitions, or for a wrong key. */
export function partitionFor(spec: { readonly id: string }, key: string | number): string {
  const partitions = partitionsOf(spec);
  if (partitions === undefined) throw new TypeError(`child ${JSON.stringify(spec.id)} has no partitions`);
  checkPartitionKey(key);
  return String(hash(key) % partitions);
}

/** Whole numbers stand for themselves, so that neighbours are in different partitions. */
function hash(key: string | number): number {
  if (typeof key === 'number') return Math.abs(key);
  // FNV-1a
  let value = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) value = Math.imul(value ^ key.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
