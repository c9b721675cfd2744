import { type Channel } from '@aiopipe/codec';
import { channelMadeAt } from '@aiopipe/codec/internal';
import { ClosedError } from '@aiopipe/core';
import { type Acceptor, type ConnectRequest, type Siblings } from '../sibling/siblings.js';
import { idError, type ChildList } from './child-list.js';
import { partitionFor, partitionsOf } from './partitions.js';
import { type AnyChildSpec } from './spec.js';

/** One child process, or one partition, from the supervisor's start to its end: its processes come and go. */
interface Place {
  readonly id: string;
  readonly partition: string | undefined;
  /** The calls that wait for a channel to it, the oldest first, and what each was told. */
  readonly waiting: Map<ConnectRequest, string>;
  /** Takes one connection for the process that runs now. */
  acceptor: Acceptor | undefined;
  /** Whether that process has called `connections()`. */
  hasAccepted: boolean;
}

/**
 * The children of a supervisor by their names: pairs a call that wants a channel to a child with that child's call for a
 * connection. It makes each channel anew, and keeps no end of it.
 */
export class Registry {
  readonly #children: ChildList;
  readonly #places = new Map<string, Place>();
  #closed: (() => ClosedError) | undefined;

  constructor(children: ChildList) {
    this.#children = children;
  }

  /** Returns the siblings of a process that is about to start. */
  siblingsOf(id: string, partition?: string): Siblings {
    const place = () => this.#placeOf(id, partition);
    let hasLeft = false;
    return {
      name: partition === undefined ? id : `${id}/${partition}`,
      connect: (request) => {
        try {
          this.connect(request);
        } catch (error) {
          request.refused(error as Error);
        }
      },
      withdraw: (request) => {
        this.withdraw(request);
      },
      accept: (acceptor) => {
        if (hasLeft) return;
        const own = place();
        own.acceptor = acceptor;
        own.hasAccepted = true;
        this.#pair(own);
        this.#review(own);
      },
      leave: () => {
        if (hasLeft) return;
        hasLeft = true;
        const own = place();
        own.acceptor = undefined;
        own.hasAccepted = false;
        this.#forgetIfUnused(own);
      },
    };
  }

  #placeOf(id: string, partition: string | undefined): Place {
    const key = keyOf({ id, partition });
    let place = this.#places.get(key);
    if (place === undefined) {
      place = { id, partition, waiting: new Map(), acceptor: undefined, hasAccepted: false };
      this.#places.set(key, place);
    }
    return place;
  }

  #forgetIfUnused(place: Place): void {
    if (place.waiting.size === 0 && !place.hasAccepted) this.#places.delete(keyOf(place));
  }

  /** Answers the request now or later. Throws if it names no child, or one that will not run again. */
  connect(request: ConnectRequest): void {
    const { to, key } = request;
    if (this.#closed !== undefined) throw this.#closed();
    const { spec } = this.#children.get(to);
    const place = this.#placeOf(to, this.#partition(spec, key));
    place.waiting.set(request, '');
    this.#pair(place);
    this.#review(place);
  }

  #partition(spec: AnyChildSpec, key: string | number | undefined): string | undefined {
    const child = `child ${JSON.stringify(spec.id)}`;
    const count = partitionsOf(spec);
    if (count !== undefined) {
      if (key === undefined) throw idError(`${child} has ${String(count)} partitions: say which by \`key\``);
      return partitionFor(spec, key);
    }
    if (spec.type === 'supervisor')
      throw idError(`${child} is a supervisor: only its own children connect to each other`);
    if (key !== undefined) throw idError(`${child} has no partitions: connect to it without \`key\``);
    return undefined;
  }

  withdraw(request: ConnectRequest): void {
    for (const place of this.#places.values()) {
      if (place.waiting.delete(request)) this.#forgetIfUnused(place);
    }
  }

  #pair(place: Place): void {
    for (;;) {
      const { acceptor } = place;
      const [request] = place.waiting.keys();
      if (acceptor === undefined || request === undefined) return;
      let ends;
      try {
        ends = channelMadeAt(request.site);
      } catch (error) {
        // No descriptor is free, say.
        place.waiting.delete(request);
        request.refused(error as Error);
        continue;
      }
      this.#offer(place, acceptor, request, ends);
    }
  }

  /**
   * The request gets its end when the child has taken the other one. If the child has died, which may not be known yet, the
   * request waits for the next process.
   */
  #offer(place: Place, acceptor: Acceptor, request: ConnectRequest, [theirs, other]: [Channel, Channel]): void {
    place.acceptor = undefined;
    acceptor(theirs, request.from, (isTaken) => {
      if (!isTaken || !place.waiting.delete(request)) other[Symbol.dispose]();
      else request.connected(other);
    });
  }

  /** Tells calls that wait what has changed for them. Called after each task of the supervisor. */
  review(): void {
    for (const place of this.#places.values()) this.#review(place);
  }

  #review(place: Place): void {
    if (place.waiting.size === 0) return;
    const outlook = this.#outlook(place);
    for (const [request, told] of place.waiting) {
      if (typeof outlook !== 'string') {
        place.waiting.delete(request);
        request.refused(outlook);
      } else if (outlook !== told) {
        place.waiting.set(request, outlook);
        request.waits(outlook);
      }
    }
    this.#forgetIfUnused(place);
  }

  /** Says what a call for that place waits for, or returns the error that it gets instead. */
  #outlook({ id, partition, hasAccepted }: Place): string | Error {
    const child = this.#children.find(id);
    const state = child?.state ?? 'stopped';
    if (state === 'restarting') return 'was not restarted';
    if (child === undefined || state === 'stopped') {
      if (child?.starts === 0) return 'was not started';
      return new ClosedError(`child ${JSON.stringify(id)} has ended, and is not restarted`);
    }
    const partitions = child.life?.supervisor?.whichChildren() ?? [];
    const runs = partition === undefined || partitions.find((each) => each.id === partition)?.pid !== undefined;
    if (!runs) return 'did not run';
    return hasAccepted ? 'did not take the connection' : 'did not call connections()';
  }

  /** The supervisor stops: refuses all calls, also later ones. */
  close(error: () => ClosedError): void {
    this.#closed = error;
    for (const place of this.#places.values()) {
      for (const request of place.waiting.keys()) request.refused(error());
      place.waiting.clear();
      this.#forgetIfUnused(place);
    }
  }
}

/** An id has no NUL. */
function keyOf({ id, partition }: Pick<Place, 'id' | 'partition'>): string {
  return partition === undefined ? id : `${id}\0${partition}`;
}
