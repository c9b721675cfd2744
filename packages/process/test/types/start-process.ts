import { expectTypeOf } from 'vitest';
import { type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { startProcess, target, type ProcessHandle, type Target } from '@aiopipe/process';
import { count, greet, idle, read, rest, square } from './targets.js';

declare const tx: WriteEnd;
declare const rx: ReadEnd;

expectTypeOf(greet).toEqualTypeOf<Target<[tx: WriteEnd, who: 'you' | 'me'], string>>();

expectTypeOf(startProcess(greet, { args: [tx, 'you'] })).toEqualTypeOf<ProcessHandle<string>>();
expectTypeOf(startProcess(square, { args: [2] }).result).toEqualTypeOf<Promise<number>>();
expectTypeOf(await startProcess(read, { args: [rx] }).result).toEqualTypeOf<readonly [number, number]>();
startProcess(read, { args: [rx, 5], name: 'reader', daemon: true });
startProcess(idle);
startProcess(idle, { cwd: '/' });
startProcess(rest);
startProcess(rest, { args: ['a', 'b'] });
expectTypeOf(startProcess(new URL('file:///x.js'), { export: 'run', args: [1, tx] })).toEqualTypeOf<ProcessHandle>();
void count;

// @ts-expect-error -- args are missing
startProcess(square);
// @ts-expect-error -- args are missing
startProcess(square, {});
// @ts-expect-error -- a wrong type
startProcess(square, { args: ['2'] });
// @ts-expect-error -- too many
startProcess(square, { args: [2, 3] });
// @ts-expect-error -- not among the literals
startProcess(greet, { args: [tx, 'them'] });
// @ts-expect-error -- the other end
startProcess(greet, { args: [rx, 'you'] });
// @ts-expect-error -- it takes none
startProcess(idle, { args: [1] });
// @ts-expect-error -- a misspelt option
startProcess(idle, { demon: true });
// @ts-expect-error -- no target
startProcess(async () => undefined);
// @ts-expect-error -- which function of the module
startProcess(new URL('file:///x.js'), { args: [] });
// @ts-expect-error -- no name
target(import.meta.url, async () => undefined);
