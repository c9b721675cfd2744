import { QueueFullError } from '@aiopipe/codec';
import { ClosedError } from '@aiopipe/core';
import { reasonOf } from '@aiopipe/core/internal';
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { ClusterError } from '../errors.js';

/** The status of a server that cannot answer now: it starts, or elects a leader. */
const UNAVAILABLE = 503;

/** Whether the server refused a message because its stream is full. */
function isFull(error: unknown): boolean {
  return error instanceof JetStreamApiError && /maximum (messages|bytes)/.test(error.message);
}

/** Whether the connection is closed. The client has a word of its own for requests that waited then. */
function isClosed(error: unknown): boolean {
  if (error instanceof errors.ClosedConnectionError || error instanceof errors.DrainingConnectionError) return true;
  return error instanceof errors.RequestError && (error.message === 'connection closed' || isClosed(error.cause));
}

/** Whether the same call may succeed later: the connection is cut, or the server starts. */
export function isTransient(error: unknown): boolean {
  if (isFull(error)) return false;
  if (error instanceof JetStreamApiError) return error.status === UNAVAILABLE;
  if (error instanceof errors.TimeoutError || error instanceof errors.NoRespondersError) return true;
  if (error instanceof errors.RequestError) return error.isNoResponders() || isTransient(error.cause);
  return hasNoJetStream(error);
}

/** Whether nothing answers on JetStream's subjects: it is off, or the server starts. */
export function hasNoJetStream(error: unknown): boolean {
  return error instanceof Error && error.name === 'JetStreamNotEnabled';
}

/** Returns the error of the NATS client as one of ours. `what` begins its message. */
export function ourError(error: unknown, what: string): Error {
  const options = { cause: error };
  if (isFull(error)) {
    return new QueueFullError(
      `${what}: the queue is full (queueLimit); try again later, or add readers or machines. ` +
        'A queue that exists keeps its queueLimit',
      options,
    );
  }
  if (isClosed(error)) {
    return new ClosedError(`${what}: the connection to NATS is closed`, options);
  }
  return new ClusterError('ERR_AIOPIPE_CLUSTER', `${what}: ${reasonOf(error)}`, options);
}
