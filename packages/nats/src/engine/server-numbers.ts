import { nanos } from '@nats-io/transport-node';

/** The longest time in milliseconds, 292 years, that the server's count of nanoseconds, 64 bits with a sign, can hold. */
const LONGEST = 9_223_372_036_854;

/** Returns a time in milliseconds as the server takes it. One that is too long for it, Infinity too, is its longest. */
export function serverTime(milliseconds: number): number {
  return nanos(Math.min(milliseconds, LONGEST));
}

/** Returns the age in milliseconds at which messages are dropped, as the server takes it: 0 stands for never. */
export function serverAge(milliseconds: number): number {
  return milliseconds > LONGEST ? 0 : nanos(milliseconds);
}

/** Returns a limit as the server takes it: -1 stands for none. */
export function serverCount(limit: number): number {
  return limit > Number.MAX_SAFE_INTEGER ? -1 : limit;
}
