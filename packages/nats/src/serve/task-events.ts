import { type TracedMessage } from '@aiopipe/core';
import { Traced } from '@aiopipe/core/internal';

/**
 * The message of the TracingChannel `aiopipe:machine.task`: a machine gives a task to its local pool, until that knows the
 * outcome; for a stream, until its last item is sent. Published on the machine. The context is that of the caller.
 *
 * @see the example of {@link ClusterTask}
 */
export interface MachineTask extends TracedMessage {
  /** The name of the machine. */
  readonly machine: string;
  /** The name of the cluster. */
  readonly cluster: string;
  /** The name that the machine serves the target under. */
  readonly target: string;
  readonly version: string;
  readonly kind: 'run' | 'stream';
  /** The task's id, as its caller's `ClusterTask` has it. */
  readonly id: string;
  /** How often the task was delivered, this time included. */
  readonly attempt: number;
}

export const machineTask = new Traced<MachineTask>('aiopipe:machine.task');
