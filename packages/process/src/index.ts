export { target, type Target } from './target.js';
export { startProcess, ProcessHandle, type ProcessExit, type ProcessOptions, type WithArgs } from './process.js';
export { Prefork, type PreforkOptions, type PreforkStats } from './prefork.js';
export { isChild, ready } from './role.js';
export { type Stdio, type StdioOptions } from './stdio.js';
export { Supervisor } from './supervisor.js';
export { type ChildCount, type ChildInfo, type ChildState } from './supervisor-children.js';
export {
  type ChildExited,
  type ChildStarted,
  type ChildStartFailed,
  type ExitReason,
  type SupervisorEvent,
  type SupervisorEvents,
  type SupervisorGaveUp,
} from './supervisor-events.js';
export {
  type AnyChildSpec,
  type AutoShutdown,
  type Backoff,
  type ChildSpec,
  type Restart,
  type Strategy,
  type SupervisorOptions,
  type SupervisorSpec,
} from './supervisor-spec.js';
export { Pool, type PoolOptions } from './pool.js';
export { ChildError, SupervisorError, type ChildErrorDetails } from './errors.js';
