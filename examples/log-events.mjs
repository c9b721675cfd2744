// Logs what aiopipe does, one line of JSON an event, by pino: node --import ./examples/log-events.mjs app.mjs
//
// The lines go to stderr. Children inherit --import, so they log what they do, too. If telemetry.mjs is imported before, the lines have
// the ids of traces.
import { subscribe, tracingChannel } from 'node:diagnostics_channel';
import { trace } from '@opentelemetry/api';
import pino from 'pino';

/** The name of this process. A child learns its own when its function is called. */
let name = 'main';
tracingChannel('aiopipe:child.run').start.subscribe((message) => {
  ({ name } = /** @type {import('@aiopipe/process').ChildRun} */ (message));
});

const log = pino(
  { base: { pid: process.pid }, messageKey: 'event', mixin: () => ({ process: name }) },
  // At once: a process that is killed has logged what it did before.
  pino.destination({ fd: 2, sync: true }),
);

/** @type {WeakMap<object, { time: number, trace: string | undefined }>} */
const begun = new WeakMap();

/**
 * Logs an operation when its outcome is known, with the trace in which it began.
 *
 * @template Message
 * @param {string} event
 * @param {(message: Message) => object} describe
 */
function logOperation(event, describe) {
  const { start, asyncEnd } = tracingChannel(event);
  start.subscribe((message) => {
    begun.set(Object(message), { time: Date.now(), trace: trace.getActiveSpan()?.spanContext().traceId });
  });
  asyncEnd.subscribe((message) => {
    logOutcome(event, Object(message), describe(/** @type {Message} */ (message)));
  });
}

/**
 * @param {string} event
 * @param {{ error?: unknown }} message
 * @param {object} about
 */
function logOutcome(event, message, about) {
  const began = begun.get(message);
  const fields = { ...about, ms: began && Date.now() - began.time, trace: began?.trace };
  if (message.error === undefined) log.info(fields, event);
  else log.error({ ...fields, error: String(message.error) }, event);
}

/**
 * @template Message
 * @param {string} event
 * @param {(message: Message) => object | undefined} describe - returns undefined if there is nothing to log
 */
function logEvent(event, describe) {
  subscribe(event, (message) => {
    const fields = describe(/** @type {Message} */ (message));
    if (fields !== undefined) log.info(fields, event);
  });
}

/** @param {import('@aiopipe/process').PoolTask} task */
const describeTask = ({ target, attempts }) => ({ target, workers: attempts.map(({ worker }) => worker) });
logOperation('aiopipe:pool.task', describeTask);

/** @param {import('@aiopipe/process').WorkerTask} task */
const describeWork = ({ target }) => ({ target });
logOperation('aiopipe:worker.task', describeWork);

/** @param {import('@aiopipe/codec').RpcCall} call */
const describeCall = ({ method }) => ({ method });
logOperation('aiopipe:rpc.call', describeCall);

/** @param {import('@aiopipe/subprocess').PipelineRun} run */
const describeChain = ({ chain }) => ({ chain });
logOperation('aiopipe:pipeline.run', describeChain);

/** @param {import('@aiopipe/core').ProcessStart} start */
const describeStart = ({ name: child, process: started }) => ({ child, childPid: started?.pid });
logOperation('aiopipe:process.start', describeStart);
tracingChannel('aiopipe:process.start').end.subscribe((message) => {
  const start = /** @type {import('@aiopipe/core').ProcessStart} */ (message);
  const began = begun.get(start);
  // Its exit belongs to the same trace.
  if (start.process !== undefined && began !== undefined) begun.set(start.process, began);
  // A program has started when the call returns. It has no later outcome.
  if (start.kind === 'program') logOutcome('aiopipe:process.start', start, describeStart(start));
});

/** @param {import('@aiopipe/core').ProcessExitMessage} exit */
const describeExit = ({ process: ended, exitCode, signalCode }) => {
  const { name: child, pid: childPid } = ended;
  return { child, childPid, exitCode, signalCode, trace: begun.get(ended)?.trace };
};
logEvent('aiopipe:process.exit', describeExit);

/** @param {import('@aiopipe/process').SupervisorEventMessage} message */
const describeChange = ({ event }) => {
  const { type, id: child } = event;
  return { type, child, ...(type === 'exited' && { reason: event.reason, willRestart: event.willRestart }) };
};
logEvent('aiopipe:supervisor.event', describeChange);

/** @param {import('@aiopipe/process').PoolEventMessage} message */
const describeWorker = ({ event, pool }) => {
  const { type, worker, pid: childPid } = event;
  // The program shows the output itself.
  if (type === 'output') return undefined;
  return { type, pool: pool.title, worker, childPid, ...(type === 'worker-ended' && { reason: event.reason }) };
};
logEvent('aiopipe:pool.event', describeWorker);

/** @param {import('@aiopipe/nats').ClusterTask} task */
const describeClusterTask = ({ cluster, target, id, machine, attempts }) => ({
  cluster,
  target,
  id,
  machine,
  attempts,
});
logOperation('aiopipe:cluster.task', describeClusterTask);

/** @param {import('@aiopipe/nats').MachineTask} task */
const describeMachineTask = ({ cluster, machine, target, id, attempt }) => ({ cluster, machine, target, id, attempt });
logOperation('aiopipe:machine.task', describeMachineTask);

/** @param {import('@aiopipe/nats').MachineEventMessage} message */
const describeMachineEvent = ({ event, machine }) => {
  const { type, target, id, version, error } =
    /** @type {{ type: string, target?: string, id?: string, version?: string, error?: Error }} */ (event);
  return { type, cluster: machine.cluster, machine: machine.name, target, id, version, error: error && String(error) };
};
logEvent('aiopipe:machine.event', describeMachineEvent);

for (const life of ['open', 'close']) {
  /** @param {import('@aiopipe/nats').MachineMessage} message */
  const describeMachine = ({ machine }) => {
    const { cluster, name: of, targets, version, counts } = machine;
    return { cluster, machine: of, targets, version, ...(life === 'close' && { counts }) };
  };
  logEvent(`aiopipe:machine.${life}`, describeMachine);
}
