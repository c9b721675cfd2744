// The classes that users can make with `new`. Functions of the package make the others.
import { expectTypeOf } from 'vitest';
import * as core from '@aiopipe/core';

type Made<Module> = {
  [Name in keyof Module]: Module[Name] extends abstract new (...args: never) => unknown ? Name : never;
}[keyof Module];
expectTypeOf<Made<typeof core>>().toEqualTypeOf<
  | 'AsyncFile'
  | 'AbortError'
  | 'AiopipeError'
  | 'BrokenPipeError'
  | 'BusyError'
  | 'ClosedError'
  | 'IncompleteReadError'
  | 'LineTooLongError'
  | 'MovedError'
  | 'SystemError'
  | 'TimeoutError'
>();
// @ts-expect-error -- End is a type alone
void core.End;
