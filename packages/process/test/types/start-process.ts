import { expectTypeOf } from 'vitest';
import { type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { startProcess, target, type ProcessHandle, type ProcessOptions, type Target } from '@aiopipe/process';
import { count, greet, idle, read, rest, square } from './targets.js';

declare const tx: WriteEnd;
declare const rx: ReadEnd;
declare const options: ProcessOptions;

expectTypeOf(greet).toEqualTypeOf<Target<[tx: WriteEnd, who: 'you' | 'me'], string>>();

expectTypeOf(startProcess(greet, { args: [tx, 'you'] })).toEqualTypeOf<
  ProcessHandle<string, undefined, undefined, undefined>
>();
expectTypeOf(startProcess(square, { args: [2] }).result).toEqualTypeOf<Promise<number>>();
expectTypeOf(await startProcess(read, { args: [rx] }).result).toEqualTypeOf<readonly [number, number]>();
startProcess(read, { args: [rx, 5], name: 'reader', daemon: true });
startProcess(idle);
startProcess(idle, { cwd: '/' });
startProcess(rest);
startProcess(rest, { args: ['a', 'b'] });
expectTypeOf(startProcess(new URL('file:///x.js'), { export: 'run', args: [1, tx] })).toExtend<ProcessHandle>();
void count;

const piped = startProcess(square, { args: [2], stdin: 'pipe', stdout: 'pipe', stderr: 'stdout' });
expectTypeOf(piped).toEqualTypeOf<ProcessHandle<number, WriteEnd, ReadEnd, undefined>>();
expectTypeOf(piped).toExtend<ProcessHandle<number>>();
expectTypeOf(startProcess(idle, { stdout: tx }).stdout).toBeUndefined();
expectTypeOf(startProcess(idle, options).stderr).toEqualTypeOf<ReadEnd | undefined>();
expectTypeOf(startProcess(new URL('file:///x.js'), { export: 'run', stderr: 'pipe' }).stderr).toEqualTypeOf<ReadEnd>();

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
// @ts-expect-error -- a misspelt option beside a known one
startProcess(square, { args: [2], name: 'squares', demon: true });
// @ts-expect-error -- a misspelt option beside the module's own
startProcess(new URL('file:///x.js'), { export: 'run', demon: true });
// @ts-expect-error -- a child writes to its stdout
startProcess(idle, { stdout: rx });
// @ts-expect-error -- stdout was not to be a pipe
startProcess(idle, { stdin: 'pipe' }).stdout.open();
startProcess(idle, { limits: { memory: 2 ** 30, uid: 1000, gid: 1000 } });
// @ts-expect-error -- a misspelt limit
startProcess(idle, { limits: { cpuTme: 1 } });
// @ts-expect-error -- no target
startProcess(async () => undefined);
// @ts-expect-error -- which function of the module
startProcess(new URL('file:///x.js'), { args: [] });
// @ts-expect-error -- no name
target(import.meta.url, async () => undefined);
