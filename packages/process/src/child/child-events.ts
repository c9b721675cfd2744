import { type TracedMessage } from '@aiopipe/core';
import { Traced } from '@aiopipe/core/internal';

/** The message of the TracingChannel `aiopipe:child.run`: a child process calls its function. Published in the child. */
export interface ChildRun extends TracedMessage {
  /** The name of the child process. */
  readonly name: string;
  readonly target: { readonly url: string; readonly name: string };
}

export const childRun = new Traced<ChildRun>('aiopipe:child.run');
