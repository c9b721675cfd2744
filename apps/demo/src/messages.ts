import { type FileReport } from './file-report.js';

/** A task of a worker: look at this file. */
export interface FileTask {
  readonly id: number;
  /** Relative to the tree's root; one character for each byte. */
  readonly path: string;
}

/** A worker's answer: a report, or why there is none (`ENOENT`, `EACCES`, …). */
export type Answer =
  | { readonly id: number; readonly report: FileReport }
  | { readonly id: number; readonly skipped: string };
