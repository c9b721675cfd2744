import { type Channel } from '@aiopipe/codec';
import { type WaitOptions } from '@aiopipe/core';

/** A channel from a sibling, or from the program that has the supervisor: then `from` is undefined. */
export interface AnyConnection {
  readonly channel: Channel;
  readonly from: string | undefined;
}

/** Takes one connection. It gets undefined if no more come. */
export interface Taker {
  resolve(connection: AnyConnection | undefined): void;
  reject(error: Error): void;
}

/** What a child can ask of its supervisor, for all copies of the package in it. */
export interface SiblingCalls {
  connect(to: string, key: string | number | undefined, options: WaitOptions): Promise<Channel>;
  take(taker: Taker): void;
  /** The taker no longer waits. */
  forget(taker: Taker): void;
}
