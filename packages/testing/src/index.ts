export { childPids, fdsSince, isRunning, openFds } from './processes.js';
export { collectGarbage, until } from './wait.js';
export { fixture } from './fixtures.js';
