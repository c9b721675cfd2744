/** What the caller has asked for. */
export interface TaskSettings {
  readonly retries: number;
  readonly priority: number;
  readonly key: string | number | undefined;
}

/** The names of the options of a task. */
export const TASK_NAMES = { signal: true, timeout: true, retries: true, priority: true, key: true } as const;
