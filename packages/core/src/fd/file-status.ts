import { fstatSync, lstatSync, statSync, type BigIntStats, type PathLike } from 'node:fs';

/*
 * Node has the results of stat(2) in memory that all of its calls share. `realpathSync()`, and with it each `import()` of a package behind
 * a symbolic link, looks there for what the last call has left, and follows no link if that was a pipe or a socket: the package
 * is loaded a second time, under its other name. Results in bigint are in memory of their own, so all that may be a pipe or a socket
 * is looked at that way.
 */
const options = { bigint: true } as const;

/** fstat(2) of any descriptor. Deno's `fstatSync()` refuses those that Deno has not opened, so the system's name of it is taken there. */
export function statFd(fd: number): BigIntStats {
  return process.versions['deno'] === undefined ? fstatSync(fd, options) : statSync(`/dev/fd/${String(fd)}`, options);
}

/** stat(2) of what a path leads to. */
export const statPath = (path: PathLike): BigIntStats => statSync(path, options);

/** lstat(2) of a path. */
export const lstatPath = (path: string): BigIntStats => lstatSync(path, options);
