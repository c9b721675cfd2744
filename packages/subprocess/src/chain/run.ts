import { type StdinOption } from '@aiopipe/core';
import { type Chunks } from '../io/chunks.js';
import { type StageResult } from './result.js';
import { type Segment } from './segment.js';

/** The input of a stage. One of the two forms may be used, once. */
export interface Source {
  /** The stdin of a program; `pipe`: the chunks are written to it from here. */
  readonly stdin: StdinOption;
  /** The chunks, to be read here. */
  readonly chunks: () => Chunks;
  /** The programs that it comes from. */
  readonly segment?: Segment;
}

/** Bytes that went through a stage; undefined if the system does not tell. */
export interface ByteCounts {
  readonly bytesRead: number | undefined;
  readonly bytesWritten: number | undefined;
}

/**
 * The position of a program in the regular file that it reads, in bytes.
 *
 * @see the example of {@link Progress}
 */
export interface FilePosition {
  readonly position: number;
  readonly size: number;
}

/** One start of a stage: of a program, or of a function. */
export interface Run {
  /** Names it in results and messages. */
  readonly name: string;
  /** The output for the next stage; undefined if the stage writes elsewhere. */
  readonly output: Source | undefined;
  /** Resolves when it has ended, or cannot be ended; never rejects. */
  readonly done: Promise<unknown>;
  /** Resolves when its stderr is collected; undefined if that is not done for it alone. */
  readonly stderrDone: Promise<void> | undefined;
  /** How it ended, as far as it is known. */
  readonly result: StageResult;
  /** Undefined if the stage has ended and the system no longer reports its counts. */
  readonly byteCounts: ByteCounts | undefined;
  /** The position in the file that is its stdin. */
  readonly filePosition: FilePosition | undefined;
  /**
   * Whether the way in which it ended is a failure. The end of a program that {@link stop} has ended is none.
   *
   * @param isLast - no other stage reads its output
   */
  hasFailed(isLast: boolean): boolean;
  /** Ends it; resolves when it has ended, or cannot be ended. */
  stop(reason: unknown): Promise<unknown>;
  /** Closes the open descriptors of the stage. Call it when the stage has ended. */
  close(): void;
}
