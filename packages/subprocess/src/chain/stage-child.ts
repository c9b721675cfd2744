/**
 * What a child of `inChild()` runs: a function between stdin and stdout.
 *
 * @module
 */
import { inspect } from 'node:util';
import { iterate } from '../io/chunks.js';
import { FunctionRun, type StageFunction } from './function-run.js';
import { Inlet } from '../io/inlet.js';
import { openTarget } from '../io/target.js';

/** Nothing else may hold the process: it ends with the function, whatever that leaves behind. */
const NO_GRACE = 0;

async function main(url = '', name = ''): Promise<number> {
  const module = (await import(url)) as Record<string, unknown>;
  const transform = module[name];
  if (typeof transform !== 'function') throw new TypeError(`${url} exports no function ${inspect(name)}`);
  const stdin = new Inlet(iterate(process.stdin), name);
  const run = new FunctionRun(transform as StageFunction, name, stdin, NO_GRACE, () => undefined);
  const stdout = openTarget('inherit', 'stdout');
  for await (const bytes of run) if (!(await stdout.write(bytes))) break;
  await run.done;
  if (run.failure === undefined) return 0;
  complain(run.failure.reason);
  return 1;
}

/** Where the stage's stderr is collected. */
function complain(error: unknown): void {
  process.stderr.write(`${inspect(error)}\n`);
}

main(...process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    complain(error);
    process.exit(1);
  },
);
