import { type DecodeError } from '../errors.js';

/** Takes all messages of a channel, one after another, in the place of `get()`. */
export interface Follower {
  /** Completes messages about the channel's use: `calls (expose() or proxy())`. */
  readonly name: string;
  /** Whether the channel has work of the follower's, so that `close()` throws BusyError. */
  readonly isBusy: boolean;
  /** Whether waiting for messages keeps the event loop alive. After a change, call `holdFollower()` of the receiver. */
  readonly holdsLoop: boolean;
  /** Must not throw. */
  take(message: unknown): void;
  /** A message could not be built. `rest` is what could be; undefined if nothing. More messages come. */
  unbuilt(error: DecodeError, rest: unknown): void;
  /** No more messages come. */
  ended(error: Error): void;
}
