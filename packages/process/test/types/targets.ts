// Targets for the type tests. Nothing here is called: the compiler checks these files (`npm run typecheck`).
import { type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { target } from '@aiopipe/process';

export const greet = target(
  import.meta.url,
  'greet',
  async (tx: WriteEnd, who: 'you' | 'me') => `${String(tx)} ${who}`,
);
export const square = target(import.meta.url, 'square', (value: number) => value * value);
export const read = target(import.meta.url, 'read', (rx: ReadEnd, size?: number) => [rx.fd, size ?? 0] as const);
export const count = target(import.meta.url, 'count', async function* (to: number) {
  for (let value = 0; value < to; value++) yield value;
});
export const rest = target(import.meta.url, 'rest', (...words: string[]) => words.length);
export const idle = target(import.meta.url, 'idle', async () => undefined);
