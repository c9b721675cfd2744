import { type Descriptor } from './descriptor.js';
import { type OwnedFd } from './owned-fd.js';

/** What is closed when the object that stood for it was dropped. */
type Leftover = { owned: OwnedFd; close(): void };

/** Both streams of a duplex end are dropped together: one warning is enough. */
const warned = new WeakSet<OwnedFd>();

const registry = new FinalizationRegistry<Leftover>(({ owned, close }) => {
  if (owned.number < 0) return;
  if (!warned.has(owned)) warn(owned);
  try {
    close();
  } catch {
    // Its number was closed behind our back. There is no caller to tell; the warning has said enough.
  }
});

function warn(owned: OwnedFd): void {
  warned.add(owned);
  const seen = owned.wasRead ? '; its fd was read, so something else may still be using that number' : '';
  process.emitWarning(`A ${owned.toString()} was dropped without close() and is closed now${seen}`, {
    type: 'AiopipeWarning',
    code: 'AIOPIPE_DROPPED',
  });
}

/** If `object` is collected before {@link forget}, closes what it stood for, with a process warning. */
export function closeWhenDropped(object: object, owned: OwnedFd): void {
  registry.register(object, { owned, close: () => owned.close() }, object);
}

/** The same for one direction of an open stream. */
export function closeSideWhenDropped(object: object, descriptor: Descriptor, side: number): void {
  registry.register(
    object,
    {
      owned: descriptor.owned,
      close: () => {
        descriptor.closeSide(side);
      },
    },
    object,
  );
}

export function forget(object: object): void {
  registry.unregister(object);
}
