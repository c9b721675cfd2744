export {
  childPids,
  guardPids,
  commandOf,
  fdsSince,
  isRunning,
  openFds,
  sharedBytes,
  sharedMappings,
} from './processes.js';
export { takeFds } from './take-fds.js';
export { leakCheck } from './leaks.js';
export { blockUntil, collectGarbage, until } from './wait.js';
export { PROGRAM_LIMIT } from './limits.js';
export { compileTypeScript, fixture, fixtureArgv } from './fixtures.js';
export { frozenIntrinsics } from './frozen.js';
export { runFixture, type FixtureOptions, type FixtureResult } from './run-fixture.js';
export {
  byteStreamContract,
  pattern,
  readCount,
  readToEnd,
  type BytePipe,
  type ByteSink,
  type ByteSource,
  type ByteStreamCheck,
  type ByteStreamMakers,
  type CloggedBytePipe,
} from './stream-contract.js';
export { closeFd, openFd, readFrom, writeTo } from './descriptors.js';
export { errorOf, thrownBy, type Failure } from './failures.js';
export { randomFrom } from './random.js';
export { transferAway } from './transfer.js';
export { isPending, turns } from './turns.js';
export { examplesIn, readmeExamples, runExample, type ReadmeExample } from './readme.js';
export { CALM, SimulatedKernel, type KernelMoods } from './simulated/kernel.js';
export { SimulatedTime } from './simulated/time.js';
export { runSchedules } from './simulated/schedules.js';
export { noteWarnings } from './warnings.js';
export { requestContext } from './request-context.js';
export { observe, observeTraced, type Published } from './observe.js';
export { findProgram } from './find-program.js';
export { natsServer, NatsServer } from './nats-server.js';
export { Browser, chromium, type Page } from './chromium.js';
