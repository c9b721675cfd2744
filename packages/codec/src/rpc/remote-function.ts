import { type WaitOptions } from '@aiopipe/core';
import { refuse, WAIT_OPTIONS } from '@aiopipe/core/internal';

type Call = (args: readonly unknown[], options: WaitOptions | undefined) => Promise<unknown>;

interface RemoteFunction {
  (...args: unknown[]): Promise<unknown>;
  with(options: WaitOptions): (...args: unknown[]) => Promise<unknown>;
}

/** Makes a function that calls one of the peer's. */
export function remoteFunction(call: Call): RemoteFunction {
  return Object.assign((...args: unknown[]) => call(args, undefined), {
    with: (options: WaitOptions) => {
      const refusal = refuse(options, WAIT_OPTIONS);
      // A signal that is aborted already refuses each call.
      if (refusal instanceof TypeError) throw refusal;
      return (...args: unknown[]) => call(args, options);
    },
  });
}
