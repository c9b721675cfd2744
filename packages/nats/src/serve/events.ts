/**
 * The fields of every event of a machine.
 *
 * @see the example of {@link Machine}
 */
export interface MachineEventFields {
  /** The machine's name. */
  readonly machine: string;
  /** When, as `Date.now()` counts. */
  readonly time: number;
}

/**
 * A caller wants a target that this machine does not have, or has in another version. Its tasks are left to other machines.
 *
 * @see the example of {@link Machine}
 */
export interface TaskLeft extends MachineEventFields {
  readonly type: 'task-left';
  readonly target: string;
  readonly version: string;
  /** The version that this machine serves; undefined if it does not have the target. */
  readonly served: string | undefined;
}

/**
 * The worker of a task died. The task is handed back, and is tried again.
 *
 * @see the example of {@link Machine}
 */
export interface TaskRetried extends MachineEventFields {
  readonly type: 'task-retried';
  readonly target: string;
  readonly id: string;
  readonly error: Error;
}

/**
 * No retry of a task is left. It went to the dead letters, and its caller gets the error.
 *
 * @see the example of {@link Machine}
 */
export interface TaskDead extends MachineEventFields {
  readonly type: 'task-dead';
  readonly target: string;
  readonly id: string;
  readonly error: Error;
}

/**
 * The caller of a task was not heard of, so its outcome was dropped.
 *
 * @see the example of {@link Machine}
 */
export interface ResultLost extends MachineEventFields {
  readonly type: 'result-lost';
  readonly target: string;
  readonly id: string;
}

/**
 * The local pool gave up. The machine takes no more tasks.
 *
 * @see the example of {@link Machine}
 */
export interface MachineGaveUp extends MachineEventFields {
  readonly type: 'gave-up';
  readonly error: Error;
}

/**
 * What happens on a machine.
 *
 * @see the example of {@link Machine}
 */
export type MachineEvent = TaskLeft | TaskRetried | TaskDead | ResultLost | MachineGaveUp;

/**
 * The events of a machine, by their type.
 *
 * @see the example of {@link Machine}
 */
export interface MachineEvents {
  'task-left': [TaskLeft];
  'task-retried': [TaskRetried];
  'task-dead': [TaskDead];
  'result-lost': [ResultLost];
  'gave-up': [MachineGaveUp];
}

/** The part of each event that says what happened. */
export type MachineFacts = MachineEvent extends infer Each
  ? Each extends unknown
    ? Omit<Each, keyof MachineEventFields>
    : never
  : never;
