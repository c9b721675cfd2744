// The classes that users can make with `new`. Functions of the package make the others.
import { expectTypeOf } from 'vitest';
import * as processes from '@aiopipe/process';

type Made<Module> = {
  [Name in keyof Module]: Module[Name] extends abstract new (...args: never) => unknown ? Name : never;
}[keyof Module];
expectTypeOf<Made<typeof processes>>().toEqualTypeOf<
  'Pool' | 'Prefork' | 'Supervisor' | 'ChildError' | 'SupervisorError'
>();
// @ts-expect-error -- PoolCalls is a type alone
void processes.PoolCalls;
