import { EAGAIN, type Descriptor, type Interest } from '@aiopipe/core/internal';

const SCRATCH = 4096;

/**
 * Calls back once if the peer of a handle that only sends has closed. Does not keep the event loop alive. Drops what the peer
 * sends: this handle cannot receive it.
 */
export function watchPeer(descriptor: Descriptor, onGone: () => void): void {
  // Other descriptors, such as a terminal, tell only of input.
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
  // Looks at once, too: the loop may end before it reports an end that has happened already.
  if (descriptor.isSocket) interest.ready();
}

/** Returns 0 also after an error: the connection is broken. */
function readSome(descriptor: Descriptor, scratch: Buffer): number {
  try {
    return descriptor.read(scratch, 0, scratch.length);
  } catch {
    return 0;
  }
}
