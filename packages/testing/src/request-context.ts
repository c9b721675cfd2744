import { AsyncLocalStorage } from 'node:async_hooks';

/** A context with a name, and the carrier that takes it to other processes: for programs in the environment variable `REQUEST`. */
export function requestContext() {
  const request = new AsyncLocalStorage<string>();
  const carrier = {
    name: 'request',
    inject: () => request.getStore(),
    extract: (carried: string, run: () => void) => {
      request.run(carried, run);
    },
    env: () => {
      const id = request.getStore();
      return id === undefined ? undefined : { REQUEST: id };
    },
  };
  return { request, carrier };
}
