import { accessSync, constants, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { compilePattern } from './pattern.js';

const installed = fileURLToPath(new URL('../../../node_modules', import.meta.url));

export interface CensusOptions {
  readonly directory: string;
  /** Machines, each with so many workers. 0: the workers of this program. */
  readonly machines: number;
  readonly workers: number;
  readonly pattern: string;
  readonly chaos: number;
  readonly json: boolean;
  readonly web: boolean;
}

/** Reads the arguments. For `--help` or a wrong argument it prints text and exits. */
export function readOptions(argv: readonly string[]): CensusOptions {
  const command = new Command('demo')
    .description('Counts files, lines, bytes and matching lines below a directory, by several processes at once.')
    .argument('[dir]', 'the directory; default: the installed node_modules', readDirectory)
    .option('--workers <n>', 'worker processes, of each machine', readCount(1, 256), availableParallelism())
    .option('--machines <n>', 'count on so many machines, over a nats-server of its own', readCount(0, 64), 0)
    .option('--pattern <re>', 'count the lines that match, ignoring case', readPattern, 'error|TODO')
    .option('--chaos <n>', 'kill this many random workers, or machines, while they work', readCount(0, 1000), 0)
    .option('--json', 'print one JSON document instead of tables', false)
    .option('--web', 'open a live page with kill buttons, and count again and again until Ctrl-C', false)
    .parse(argv);
  const options = command.opts<Omit<CensusOptions, 'directory'>>();
  const directory = (command.processedArgs[0] as string | undefined) ?? installed;
  return { ...options, directory };
}

function readDirectory(path: string): string {
  const directory = resolve(path);
  let isDirectory: boolean;
  try {
    isDirectory = statSync(directory).isDirectory();
    if (isDirectory) accessSync(directory, constants.R_OK | constants.X_OK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new InvalidArgumentError(`${directory} does not exist.`);
    if (code === 'EACCES') throw new InvalidArgumentError(`${directory} cannot be read: permission denied.`);
    throw new InvalidArgumentError(message);
  }
  if (!isDirectory) throw new InvalidArgumentError(`${directory} is not a directory.`);
  return directory;
}

function readPattern(source: string): string {
  try {
    compilePattern(source);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  return source;
}

function readCount(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= least && number <= most && text.trim() !== '') return number;
    throw new InvalidArgumentError(`It must be a whole number from ${String(least)} to ${String(most)}.`);
  };
}
