// The compiler checks this file (`npm run typecheck`); nothing here is called.
import { expectTypeOf } from 'vitest';
import { type DuplexEnd, type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { AsyncPipe, popen, Program, type PopenOptions } from '@aiopipe/subprocess';

declare const rx: ReadEnd;
declare const options: PopenOptions;

expectTypeOf(popen(['ls'])).toEqualTypeOf<Program<undefined, undefined, undefined, undefined>>();
const sort = popen(['sort'], { stdin: 'pipe', stdout: 'pipe', stderr: 'stdout' });
expectTypeOf(sort).toEqualTypeOf<Program<WriteEnd, ReadEnd, undefined, undefined>>();
expectTypeOf(sort).toExtend<Program>();
expectTypeOf(popen(['wc'], { stdin: sort.stdout }).stdin).toBeUndefined();
expectTypeOf(popen(['wc'], options).stdout).toEqualTypeOf<ReadEnd | undefined>();
expectTypeOf(new AsyncPipe(sort).communicate('input')).resolves.toEqualTypeOf<[stdout: Buffer, stderr: Buffer]>();

const shell = popen(['bash'], { terminal: { columns: 80, rows: 24, name: 'vt100' } });
expectTypeOf(shell).toEqualTypeOf<Program<undefined, undefined, undefined, DuplexEnd>>();
expectTypeOf(popen(['wc'], options).terminal).toEqualTypeOf<DuplexEnd | undefined>();
// @ts-expect-error -- no size
popen(['bash'], { terminal: { columns: 80 } });
// @ts-expect-error -- a size has no name
shell.resize({ columns: 80, rows: 24, name: 'vt100' });

// @ts-expect-error -- a shell line
popen('ls | wc');
// @ts-expect-error -- a program writes to its stdout
popen(['ls'], { stdout: rx });
// @ts-expect-error -- only stderr may follow stdout
popen(['ls'], { stdout: 'stdout' });
// @ts-expect-error -- stdout was not to be a pipe
popen(['ls'], { stdin: 'pipe' }).stdout.open();
// @ts-expect-error -- a misspelt option
popen(['ls'], { cdw: '/' });
popen(['ls'], { limits: { memory: 2 ** 30, groups: [4], cgroup: { path: '/sys/fs/cgroup/app', cpuMax: 0.5 } } });
// @ts-expect-error -- a misspelt limit
popen(['ls'], { limits: { memroy: 2 ** 30 } });
// @ts-expect-error -- a user by its name
popen(['ls'], { limits: { uid: 'nobody' } });
// @ts-expect-error -- popen() makes programs
new Program();
// @ts-expect-error -- not for users
void sort.spawned;
// @ts-expect-error -- no program
new AsyncPipe(['ls']);
