import { EncodeError } from '../errors.js';

/**
 * Returns an EncodeError with the path that the user knows: `args[0].callback`, in whatever message of ours the arguments stand.
 * Returns any other error as it is.
 *
 * @param place - the path of the user's value in our message
 * @param name - the user's name for it
 */
export function renamePath(error: unknown, place: string, name: string): unknown {
  if (!(error instanceof EncodeError) || !error.path.startsWith(place)) return error;
  const reason = error.message.slice(`${error.path}: `.length);
  const options = error.cause === undefined ? undefined : { cause: error.cause };
  return new EncodeError(`${name}${error.path.slice(place.length)}`, reason, options);
}
