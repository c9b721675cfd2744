import { type Descriptor } from './descriptor.js';
import { type OwnedFd } from './owned-fd.js';
import { SiteWarnings } from '../wait/site-warnings.js';

/** The descriptor to close when an object was collected. */
type Leftover = { owned: OwnedFd; close(): void };

/** Both streams of a duplex end are collected together: one warning is enough. */
const warned = new WeakSet<OwnedFd>();

const registry = new FinalizationRegistry<Leftover>(({ owned, close }) => {
  if (owned.number < 0) return;
  if (!warned.has(owned)) warn(owned);
  try {
    close();
  } catch {
    // Other code has closed the descriptor already. No caller is there to tell; the warning has said enough.
  }
});

const warnings = new SiteWarnings('AIOPIPE_DROPPED', (origin, count, first) =>
  count === 1
    ? first
    : `${String(count)} ends, streams, channels or hubs ${origin} were dropped without close(), and the garbage collector closed them; call close(), or declare them with \`using\` or \`await using\``,
);

function warn(owned: OwnedFd): void {
  warned.add(owned);
  const seen = owned.wasRead ? '; its `fd` was read, so other code may still use that descriptor' : '';
  warnings.note(
    owned.origin,
    `A ${owned.toString()} was dropped without close(), and the garbage collector closed it; ` +
      `call close(), or declare it with \`using\` or \`await using\`${seen}`,
  );
}

/**
 * Closes `owned`, with a process warning, if `object` is collected before {@link forget}.
 *
 * @param close - does it, if more than the descriptor must end. It must not refer to `object`
 */
export function closeWhenDropped(object: object, owned: OwnedFd, close = () => owned.close()): void {
  registry.register(object, { owned, close }, object);
}

/** Closes one direction of `descriptor`, with a process warning, if `object` is collected before {@link forget}. */
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

/** `object` has closed or passed on what it stood for. */
export function forget(object: object): void {
  registry.unregister(object);
}
