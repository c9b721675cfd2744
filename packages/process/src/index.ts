export { target, type Target } from './target.js';
export { startProcess, ProcessHandle, type ProcessExit, type ProcessOptions, type WithArgs } from './process.js';
export { isChild, ready } from './role.js';
export { type Stdio, type StdioOptions } from './stdio.js';
export {
  Supervisor,
  type AnyChildSpec,
  type ChildExited,
  type ChildSpec,
  type ChildStarted,
  type Restart,
  type SupervisorEvents,
  type SupervisorOptions,
} from './supervisor.js';
export { Pool, type PoolOptions } from './pool.js';
export { ChildError, SupervisorError, type ChildErrorDetails } from './errors.js';
