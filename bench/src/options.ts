import { Argument, Command, InvalidArgumentError } from 'commander';
import { type MeasureOptions } from './harness/measure.js';

export interface BenchOptions extends MeasureOptions {
  readonly parts: readonly string[];
  /** Only rows whose name it matches; nothing is saved then. */
  readonly filter?: RegExp | undefined;
  /** Whether charts and tables go to the docs, too. */
  readonly publish: boolean;
  /** The major version of another Node that runs it all. */
  readonly node?: number | undefined;
}

/** Says what is wrong with the arguments, or helps, and exits by itself then. */
export function readOptions(argv: readonly string[], parts: readonly string[]): BenchOptions {
  const command = new Command('bench')
    .description('Measures every layer beside what people would use instead, all in one run.')
    .addArgument(
      new Argument(
        '[parts...]',
        `what to run: ${parts.join(', ')}, or how one begins; everything unless given`,
      ).argParser((word: string, before: string[] | undefined) => [...(before ?? []), findPart(word, parts)]),
    )
    .option('--rounds <n>', 'rounds of each row', readCount, 9)
    .option('--lap <ms>', 'how long one round of one side shall take', readCount, 30)
    .option('--filter <re>', 'only rows whose name matches; nothing is saved', readPattern)
    .option('--publish', 'write the charts and tables to docs/charts, too', false)
    .option('--node <major>', 'run it on another Node, which npm gets: 22, 24, 26', readCount)
    .parse(argv);
  const { lap, ...options } = command.opts<Omit<BenchOptions, 'parts' | 'lapSeconds'> & { lap: number }>();
  if (options.publish && options.filter) command.error('error: --publish is for whole parts, not with --filter');
  const chosen = (command.processedArgs[0] ?? []) as string[];
  return { ...options, lapSeconds: lap / 1000, parts: chosen.length > 0 ? [...new Set(chosen)] : parts };
}

function findPart(word: string, parts: readonly string[]): string {
  const found = parts.filter((part) => part.startsWith(word));
  if (found.length === 1) return found[0] as string;
  throw new InvalidArgumentError(`It can be ${(found.length > 1 ? found : parts).join(', ')}.`);
}

function readCount(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError('It must be a whole number of at least 1.');
}

function readPattern(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
