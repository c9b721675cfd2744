import { type Exit, type Limits } from '@aiopipe/core';
import { popen, type PopenOptions } from '@aiopipe/subprocess';

export const isRoot = process.getuid?.() === 0;
export const isLinux = process.platform === 'linux';
export const MIB = 1024 * 1024;
/** A user that has no processes. */
export const STRANGER = { uid: 54321, gid: 54321 };

interface Run extends Exit {
  /** Its stdout and its stderr. */
  readonly output: string;
}

/** Runs a program with limits to its end. */
export async function run(
  argv: readonly string[],
  limits: Limits | undefined,
  options: PopenOptions = {},
): Promise<Run> {
  const program = popen(argv, { stdin: 'ignore', ...options, stdout: 'pipe', stderr: 'stdout', limits });
  await using reader = program.stdout.open();
  const output = String(await reader.read());
  return { ...(await program.wait()), output };
}

/** Runs a script with limits to its end. */
export const shell = (script: string, limits: Limits | undefined, options?: PopenOptions) =>
  run(['sh', '-c', script], limits, options);
