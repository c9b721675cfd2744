import { availableParallelism } from 'node:os';
import { popen } from '@aiopipe/subprocess';
import { type Side } from './part.js';

/** While this side is there, every core has something else to do, too: for all sides of its row. */
export function withBusyCores(side: Side): Side {
  return {
    name: side.name,
    async open() {
      const runner = await side.open();
      const programs = Array.from({ length: availableParallelism() }, () => popen(['sh', '-c', 'while :; do :; done']));
      return {
        ...runner,
        async [Symbol.asyncDispose]() {
          for (const program of programs) program.kill('SIGKILL');
          await Promise.all(programs.map((program) => program.wait()));
          await runner[Symbol.asyncDispose]();
        },
      };
    },
  };
}
