import { BusyError } from '../errors.js';

/** For one half of a duplex stream that should move alone. */
export function halfError(name: string): BusyError {
  return new BusyError(`${name} can't be moved by half: hand on the whole DuplexStream, or close its other half first`);
}
