import { expect, test } from 'vitest';
import { Chaos } from '../src/chaos.js';

function killsAmong(tasks: number, wanted: number): number[] {
  const chaos = new Chaos(wanted);
  const at: number[] = [];
  for (let done = 1; done <= tasks; done++) {
    if (!chaos.isDue(tasks - done)) continue;
    chaos.kills++;
    at.push(done);
  }
  return at;
}

test('as many are due as are wanted, if there are as many tasks', () => {
  for (let round = 0; round < 50; round++) expect(killsAmong(100, 10)).toHaveLength(10);
});

test('none are due if none are wanted', () => {
  expect(killsAmong(100, 0)).toEqual([]);
});

test('at most one is due for each task', () => {
  expect(killsAmong(3, 10)).toEqual([1, 2, 3]);
});
