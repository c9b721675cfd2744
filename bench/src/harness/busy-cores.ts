import { availableParallelism } from 'node:os';
import { popen } from '@aiopipe/subprocess';
import { type Row } from './part.js';

/** While its sides are there, every core has something else to do, too: for all of them. */
export function withBusyCores(row: Row): Row {
  return {
    ...row,
    name: `${row.name}, all busy`,
    ours: {
      name: row.ours.name,
      async open() {
        const runner = await row.ours.open();
        const programs = Array.from({ length: availableParallelism() }, () =>
          popen(['sh', '-c', 'while :; do :; done']),
        );
        return {
          ...runner,
          async [Symbol.asyncDispose]() {
            for (const program of programs) program.kill('SIGKILL');
            await Promise.all(programs.map((program) => program.wait()));
            await runner[Symbol.asyncDispose]();
          },
        };
      },
    },
  };
}
