/**
 * The program of `inChild()`: runs a function between stdin and stdout.
 *
 * @module
 */
import { inspect } from 'node:util';
import { iterate } from '../io/chunks.js';
import { FunctionRun, type StageFunction } from './function-run.js';
import { ByteStream } from '../io/byte-stream.js';
import { openSink } from '../io/sink.js';

/** Milliseconds. The process ends with the function, even if timers or handles are open. */
const NO_GRACE = 0;

async function main(url = '', name = ''): Promise<number> {
  const module = (await import(url)) as Record<string, unknown>;
  const transform = module[name];
  if (typeof transform !== 'function') {
    const exported = Object.keys(module).join(', ') || 'nothing';
    throw new TypeError(
      `${url} exports no function ${inspect(name)} (it exports ${exported}); write: export async function* ${name}(input) { … }`,
    );
  }
  const stdin = new ByteStream(iterate(process.stdin), name);
  const run = new FunctionRun(transform as StageFunction, name, stdin, NO_GRACE, () => undefined);
  const stdout = openSink('inherit', 'stdout');
  for await (const bytes of run) if (!(await stdout.write(bytes))) break;
  await run.done;
  if (run.failure === undefined) return 0;
  complain(run.failure.reason);
  return 1;
}

/** Writes to the stage's stderr, which the chain collects. */
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
