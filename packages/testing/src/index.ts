export { childPids, fdsSince, isRunning, openFds } from './processes.js';
export { leakCheck } from './leaks.js';
export { collectGarbage, until } from './wait.js';
export { compileTypeScript, fixture } from './fixtures.js';
export { runFixture, type FixtureOptions, type FixtureResult } from './run-fixture.js';
