const STARTED_IN = Symbol.for('@aiopipe/process.started-in');

/** Undefined: it was removed. No file is found from there. */
export function currentDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/**
 * Where Node looked for what its options name: `--import tsx`, `-r ./hook.cjs`, `--env-file .env`. A child that inherits
 * them must find the same, so it is started here too, and goes where it shall be before it evaluates anything of its own.
 * As a child has gone elsewhere when its target's module is evaluated, its entry has noted this for all copies of the
 * package.
 */
export const startedIn: string | undefined = ((globalThis as { [STARTED_IN]?: string | undefined })[STARTED_IN] ??=
  currentDirectory());

/** Where a child shall be, if that is not where it was started. */
export function goTo(cwd: string | undefined): void {
  if (cwd !== undefined) process.chdir(cwd);
}
