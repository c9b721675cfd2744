import { serialize } from '@aiopipe/codec';

const canTravel = (value: unknown): boolean => {
  try {
    serialize(value);
    return true;
  } catch {
    return false;
  }
};

/** The error, as much of it as can be sent: what was thrown must always arrive, even where a field of it can't. */
export function portableError(thrown: unknown): unknown {
  if (canTravel(thrown)) return thrown;
  if (!(thrown instanceof Error)) return new Error(`what was thrown can't be sent: ${String(thrown)}`);
  const copy = new Error(thrown.message, 'cause' in thrown ? { cause: portableError(thrown.cause) } : undefined);
  copy.name = thrown.name;
  if (thrown.stack !== undefined) copy.stack = thrown.stack;
  for (const [name, value] of Object.entries(thrown)) {
    if (name !== 'cause' && canTravel(value)) Object.assign(copy, { [name]: value });
  }
  return copy;
}
