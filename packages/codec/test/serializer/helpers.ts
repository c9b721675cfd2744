import assert from 'node:assert/strict';
import { deserialize, serialize } from '@aiopipe/codec';

export const roundTrip = <T>(value: T): T => deserialize(serialize(value)) as T;

export function survives(value: unknown): void {
  assert.deepStrictEqual(roundTrip(value), value);
}
