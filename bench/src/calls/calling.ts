import { runLaps, type Laps } from '../harness/laps.js';

/** The calls of a row. */
export interface Calling {
  /** How many calls wait for their answers at once. */
  readonly outstanding: number;
}

/** The object whose methods are called. */
export const adder = { add: (a: number, b: number) => a + b };

/** The measured side: the laps, with as many callers as calls that may wait at once. */
export async function driveCalls(
  laps: Laps,
  { outstanding }: Calling,
  add: (a: number, b: number) => Promise<number>,
): Promise<void> {
  await runLaps(laps, async (amount) => {
    const share = Math.ceil(amount / outstanding);
    await Promise.all(Array.from({ length: outstanding }, () => callMany(share, add)));
  });
}

async function callMany(amount: number, add: (a: number, b: number) => Promise<number>): Promise<void> {
  for (let i = 0; i < amount; i++) {
    if ((await add(i, 1)) !== i + 1) throw new Error('a wrong answer');
  }
}
