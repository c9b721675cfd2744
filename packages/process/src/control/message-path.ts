import { EncodeError } from '@aiopipe/codec';

/**
 * An error about what can't be sent, with the path as the user knows it: `args[0].callback`, whatever message of ours
 * the arguments are a part of. Other errors stay as they are.
 *
 * @param place - where the user's value stands in our message, as the path of an EncodeError begins
 */
export function renamePath(error: unknown, place: string, name: string): unknown {
  if (!(error instanceof EncodeError) || !error.path.startsWith(place)) return error;
  const reason = error.message.slice(`${error.path}: `.length);
  const options = error.cause === undefined ? undefined : { cause: error.cause };
  return new EncodeError(`${name}${error.path.slice(place.length)}`, reason, options);
}
