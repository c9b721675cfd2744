import { type Channel } from '@aiopipe/codec';
import { type CallSite } from '@aiopipe/core/internal';

/** A call that waits for a channel to a child of a supervisor. */
export interface ConnectRequest {
  readonly to: string;
  /** Which partition, if the child has partitions. */
  readonly key: string | number | undefined;
  /** The name of the child that asks; undefined for the program that has the supervisor. */
  readonly from: string | undefined;
  /** Where the channel was asked for, if that is in this process. */
  readonly site: CallSite;
  connected(channel: Channel): void;
  refused(error: Error): void;
  /** @param why - completes a sentence that begins with the child's name: `was not started` */
  waits(why: string): void;
}

/**
 * Offers one connection to a child that asked for one. The channel moves there.
 *
 * @param settle - called once: with true if the child has taken it, with false if it never will
 */
export type Acceptor = (channel: Channel, from: string | undefined, settle: (isTaken: boolean) => void) => void;

/** The siblings of one child process, as its supervisor knows them. */
export interface Siblings {
  /** Names the child to those that it connects to. */
  readonly name: string;
  connect(request: ConnectRequest): void;
  withdraw(request: ConnectRequest): void;
  /** The child takes one connection more. */
  accept(acceptor: Acceptor): void;
  /** The child takes no more connections: it ends, or is about to. */
  leave(): void;
}
