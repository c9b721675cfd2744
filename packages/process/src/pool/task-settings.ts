/** What the caller has asked for. */
export interface TaskSettings {
  readonly retries: number;
  readonly priority: number;
  readonly key: string | number | undefined;
}
