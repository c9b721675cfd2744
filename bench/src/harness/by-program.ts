import { popen } from '@aiopipe/subprocess';
import { type Runner } from './part.js';

/** A runner that is a program in another language: an amount a line on its stdin, seconds a line on its stdout. */
export function byProgram(argv: readonly string[]): Runner {
  const program = popen(argv, { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' });
  const amounts = program.stdin.open();
  const seconds = program.stdout.open();
  return {
    pid: program.pid,
    async run(amount) {
      await amounts.write(`${String(amount)}\n`);
      const line = await seconds.readLine();
      if (line.length === 0) throw new Error(`${argv[0] ?? ''} ended before it had answered`);
      return Number(line.toString());
    },
    async [Symbol.asyncDispose]() {
      await amounts.close();
      await program.wait();
      seconds.close();
    },
  };
}
