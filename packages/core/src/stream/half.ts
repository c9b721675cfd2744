import { BusyError } from '../errors.js';

/** For one half of a duplex stream that should move alone. */
export function halfError(name: string): BusyError {
  return new BusyError(`${name} cannot be moved alone: move the whole DuplexStream, or close its other half first`);
}
