const STARTED_IN = Symbol.for('@aiopipe/process.started-in');

/** Returns this process's directory; undefined if it was removed. */
export function currentDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/**
 * The directory where Node looked for what its options name: `--import tsx`, `-r ./hook.cjs`, `--env-file .env`. A child that
 * inherits the options must find the same files. So it is started there, too, and goes to its own directory before it evaluates
 * its module. A child's entry notes the directory before that, for all copies of the package.
 */
export const startedIn: string | undefined = ((globalThis as { [STARTED_IN]?: string | undefined })[STARTED_IN] ??=
  currentDirectory());

/** Changes to a child's own directory, if it was started in another one. */
export function goTo(cwd: string | undefined): void {
  if (cwd !== undefined) process.chdir(cwd);
}
