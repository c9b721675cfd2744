import { deserializeError } from '@aiopipe/codec/internal';
import { type DecodeLimits } from '@aiopipe/codec';

/** Rebuilds the error of a task. Its property `machine` names the machine that has sent it. */
export function remoteError(bytes: Uint8Array, limits: DecodeLimits, machine: string | undefined): unknown {
  const error = deserializeError(bytes, limits);
  if (error instanceof Error && machine !== undefined && !('machine' in error)) {
    Object.defineProperty(error, 'machine', { value: machine, enumerable: true, configurable: true, writable: true });
  }
  return error;
}
