import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Channel } from '@aiopipe/codec';
import { aioduplex } from '@aiopipe/core';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../../../examples/python/child.py', import.meta.url));
const hasPython = spawnSync('python3', ['--version']).status === 0;

afterAll(leakCheck());

interface Question {
  readonly id: number;
  readonly numbers: readonly number[];
}

interface Answer {
  readonly id: number;
  readonly sum: number;
}

test.runIf(hasPython)('a child in Python answers 10,000 messages in their order', async () => {
  const [ours, theirs] = aioduplex();
  const child = theirs.detach(({ fd }) =>
    spawn('python3', [program, '3'], { stdio: ['ignore', 'inherit', 'inherit', fd] }),
  );
  using channel = Channel.from<Question, Answer>(ours, { encoder: 'json', decoder: 'json' });
  const count = 10_000;
  const asked = (async () => {
    for (let id = 0; id < count; id++) await channel.put({ id, numbers: [id, 2 * id, -1] });
  })();
  for (let id = 0; id < count; id++) expect(await channel.get()).toEqual({ id, sum: 3 * id - 1 });
  await asked;
  channel.close();
  expect(await once(child, 'exit')).toEqual([0, null]);
});
