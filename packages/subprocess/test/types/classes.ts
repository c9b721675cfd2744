// The classes that users can make with `new`. Functions of the package make the others.
import { expectTypeOf } from 'vitest';
import type * as subprocess from '@aiopipe/subprocess';

type Made<Module> = {
  [Name in keyof Module]: Module[Name] extends abstract new (...args: never) => unknown ? Name : never;
}[keyof Module];
expectTypeOf<Made<typeof subprocess>>().toEqualTypeOf<'AsyncPipe'>();
