/**
 * Child processes that start on a function and receive pipe ends; supervisors and pools of them.
 *
 * @module @aiopipe/process
 */

export { target, type AnyTarget, type Target } from './target/target.js';
export {
  startProcess,
  ProcessHandle,
  type ProcessExit,
  type KnownOptions,
  type ProcessOptions,
  type StartedHandle,
  type WithArgs,
} from './start/process.js';
export { Prefork, type PreforkOptions, type PreforkStats } from './start/prefork.js';
export { reapOrphans } from './orphan/reap-orphans.js';
export { isChild, ready } from './target/role.js';
export { connectSibling, type ConnectOptions } from './sibling/connect-sibling.js';
export { connections, type Connection, type ConnectionsOptions } from './sibling/connections.js';
export { type StdioOptions } from './start/stdio.js';
export { type Surroundings } from './start/surroundings.js';
export { Supervisor } from './supervisor/supervisor.js';
export { type EventsOptions } from './events/event-stream.js';
export { type Backoff } from './supervisor/backoff.js';
export {
  type ChildCount,
  type ChildExited,
  type ChildInfo,
  type ChildStarted,
  type ChildStartFailed,
  type ChildState,
  type ExitReason,
  type NestedSupervisor,
  type SupervisorEvent,
  type SupervisorEventFields,
  type SupervisorEvents,
  type SupervisorGaveUp,
} from './supervisor/interface.js';
export {
  type AnyChildSpec,
  type AnyChildSpecs,
  type AnySpec,
  type AutoShutdown,
  type ChildArgs,
  type ChildSpec,
  type ChildSpecFields,
  type ChildSpecs,
  type PartitionedSpec,
  type Restart,
  type Strategy,
  type SupervisorOptions,
  type SupervisorSpec,
} from './supervisor/spec.js';
export { Pool, type CloseOptions } from './pool/pool.js';
export { type PoolOptions } from './pool/options.js';
export { type PoolStats } from './pool/stats.js';
export { type Times } from './pool/times.js';
export {
  type CheckedResult,
  type Items,
  type MapItem,
  type MapOptions,
  type PoolCalls,
  type RunResult,
  type StreamItem,
  type TargetSchemas,
  type TaskOptions,
} from './pool/interface.js';
export {
  type PoolEvent,
  type PoolEventFields,
  type PoolEvents,
  type TaskRetried,
  type WorkerEnded,
  type WorkerEndReason,
  type WorkerOutput,
  type WorkerStarted,
} from './pool/events.js';
export { taskSignal } from './worker/task-signal.js';
export { workerContext } from './worker/worker-context.js';
export { ChildError, SupervisorError, type ChildErrorCode, type ChildErrorDetails } from './errors.js';
export {
  type Environment,
  type FileSource,
  type FileTarget,
  type PipedEnd,
  type ResourceUsage,
  type SignalName,
  type StderrOption,
  type StdinOption,
  type StdoutOption,
  type StopOptions,
} from '@aiopipe/core';
export { type ChildEnd, type ChildRun } from './child/child-events.js';
export { type SupervisorEventMessage, type SupervisorMessage } from './supervisor/messages.js';
export { type ObservedPool, type PoolEventMessage, type PoolMessage } from './pool/observed-pool.js';
export { type PoolTask, type TaskAttempt } from './pool/task-events.js';
export { type WorkerTask } from './worker/events.js';
export { type RunningTaskInfo, type WorkerInfo } from './pool/worker-info.js';
