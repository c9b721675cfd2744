import { EAGAIN, type Descriptor, type Interest } from '@aiopipe/core/internal';

const SCRATCH = 4096;

/**
 * Calls back once when the peer of a handle that only sends has gone. It doesn't keep the event loop alive. What a peer
 * sends there, which nobody can read, is dropped.
 */
export function watchPeer(descriptor: Descriptor, onGone: () => void): void {
  // A terminal, say, tells only of what is typed.
  if (!descriptor.isLocal && !descriptor.isSocket) return;
  const scratch = Buffer.allocUnsafe(SCRATCH);
  const interest: Interest = {
    holdsLoop: false,
    ready: () => {
      if (descriptor.isSocket) {
        const count = readSome(descriptor, scratch);
        if (count > 0 || count === EAGAIN) return;
      }
      descriptor.waitReadable(undefined);
      // A pipe's writer hears of nothing else. A socket's peer may only have ended what it sends.
      if (!descriptor.isSocket || !descriptor.isLocal || descriptor.isPeerGone) onGone();
    },
    closed: () => undefined,
  };
  descriptor.waitReadable(interest);
  // An end that is there already shall not depend on what keeps the loop alive.
  if (descriptor.isSocket) interest.ready();
}

/** 0 also where it failed: the connection is broken. */
function readSome(descriptor: Descriptor, scratch: Buffer): number {
  try {
    return descriptor.read(scratch, 0, scratch.length);
  } catch {
    return 0;
  }
}
