export interface Starting {
  /** A Node.js process that does nothing, or the smallest of programs. */
  readonly what: 'process' | 'program';
  /** All at once, or each when the one before it has ended. */
  readonly order: 'in sequence' | 'at once';
}

export const PROGRAM = '/bin/true';

export async function startAll(amount: number, { order }: Starting, start: () => Promise<unknown>): Promise<void> {
  if (order === 'at once') await Promise.all(Array.from({ length: amount }, start));
  else for (let i = 0; i < amount; i++) await start();
}
