/**
 * What a target's module needs, without what starts processes: a child whose modules import no other entry loads a tenth of the code.
 *
 * @module @aiopipe/process/target
 */

export { target, type AnyTarget, type Target } from './target/target.js';
export { isChild, ready } from './target/role.js';
export { connectSibling, type ConnectOptions } from './sibling/connect-sibling.js';
export { connections, type Connection, type ConnectionsOptions } from './sibling/connections.js';
export { taskSignal } from './worker/task-signal.js';
export { workerContext } from './worker/worker-context.js';
