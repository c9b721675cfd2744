import { expectTypeOf } from 'vitest';
import { Prefork, startProcess, type PreforkStats } from '@aiopipe/process';
import { square } from './targets.js';

const prefork = new Prefork({ size: 2, preload: [square, new URL('file:///x.js')], stdin: 'inherit', cwd: '/' });
expectTypeOf(prefork.ready({ timeout: 5 })).toEqualTypeOf<Promise<void>>();
expectTypeOf(prefork.stats).toEqualTypeOf<PreforkStats>();
expectTypeOf(prefork.close()).toEqualTypeOf<Promise<void>>();
startProcess(square, { args: [2], prefork });

// @ts-expect-error -- a misspelt option
new Prefork({ sise: 2 });
// @ts-expect-error -- a bare function is no target
new Prefork({ preload: [() => undefined] });
// @ts-expect-error -- its children have no pipe: each start would need another one
new Prefork({ stdout: 'pipe' });
// @ts-expect-error -- a misspelt option of a call
void prefork.ready({ timout: 5 });
// @ts-expect-error -- the options alone
startProcess(square, { args: [2], prefork: { size: 2 } });
