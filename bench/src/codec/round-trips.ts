import { isDeepStrictEqual } from 'node:util';
import { target } from '@aiopipe/process';
import { runLaps, type Laps } from '../harness/laps.js';
import { type CodecName, codecs, type RoundTrip } from './codecs.js';
import { instancesOf, payloadsOf } from './payloads.js';

export interface RoundTrips {
  readonly codec: CodecName;
  /** Its place among the payloads of this seed. */
  readonly payload: number;
  readonly seed: number;
}

/** Before the laps of the warm-up, so that each codec has what V8 compiles, however little of it a lap may be. */
const WARM_UP_US = 75_000;

/**
 * This many of the last values stay alive, as in a program that works on what it has received. Otherwise all of the
 * memory is free at each garbage collection, goes back to the system, and a large value is mostly about page faults.
 */
const KEPT = 4;

/** Encodes and decodes the payload's instances in turn. A codec that does not restore them cannot take part. */
export const roundTrips = target(import.meta.url, 'roundTrips', async (laps: Laps, spec: RoundTrips) => {
  const payload = payloadsOf(spec.seed)[spec.payload];
  if (payload === undefined) throw new RangeError('there is no such payload');
  const values = instancesOf(payload, spec.seed);
  const roundTrip: RoundTrip = codecs[spec.codec]();
  for (const value of values) check(roundTrip, value);
  const start = process.cpuUsage();
  while (process.cpuUsage(start).user < WARM_UP_US) for (const value of values) roundTrip(value);
  const kept: unknown[] = [];
  let next = 0;
  await runLaps(laps, (amount) => {
    for (let i = 0; i < amount; i++) {
      kept[i % KEPT] = roundTrip(values[next]);
      if (++next === values.length) next = 0;
    }
    return Promise.resolve();
  });
});

function check(roundTrip: RoundTrip, value: unknown): void {
  let arrived: unknown;
  try {
    arrived = roundTrip(value);
  } catch (error) {
    // Of a message of several lines, the first one says it.
    throw new Error((error as Error).message.split('\n')[0], { cause: error });
  }
  if (!isDeepStrictEqual(arrived, value)) throw new Error('what it decodes is not what it encoded');
}
