import { childPids, fdsSince, isRunning, openFds } from './processes.js';
import { collectGarbage, until } from './wait.js';

/**
 * Counts what is open and running now; the function that it returns rejects if there is more then, naming it. Call it
 * where a test file begins, and the result when its tests have ended: `afterAll(leakCheck())`.
 */
export function leakCheck(): () => Promise<void> {
  const fds = openFds();
  const children = new Set(childPids());
  const leaked = () => [
    ...fdsSince(fds).map((line) => `fd ${line}`),
    ...childPids()
      .filter((pid) => !children.has(pid))
      .map((pid) => `child ${String(pid)}${isRunning(pid) ? '' : ' (a zombie)'}`),
  ];
  return async () => {
    await collectGarbage();
    // Node closes the pipes of its children some turns after their end.
    await until('nothing is left open or running', () => leaked().length === 0).catch((error: unknown) => {
      throw new Error(`left behind: ${leaked().join(', ')}`, { cause: error });
    });
  };
}
