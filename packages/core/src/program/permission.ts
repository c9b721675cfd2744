import { type Environment, variablesOf } from './environment.js';

/** Node's permission model, if it is on: `process.permission` is undefined otherwise. */
interface Permission {
  has(scope: string): boolean;
}

/** The flag that turns it on, with its older name, and those that say what is allowed. */
const SWITCH = /^--(experimental-)?permission(=|$)/;
const FLAG =
  /^--((experimental-)?permission(-audit)?|allow-(fs-read|fs-write|addons|child-process|wasi|worker|net|inspector|ffi))(=|$)/;

/**
 * Throws what Node's own `spawn()` throws if this process may not start others (`node --permission` without
 * `--allow-child-process`). The binding would not ask.
 *
 * @param file - the program
 */
export function checkMayStart(file: string): void {
  const permission = (process as { permission?: Permission }).permission;
  if (permission === undefined || permission.has('child')) return;
  const message =
    `cannot start ${JSON.stringify(file)}: Access to this API has been restricted. ` +
    'Use --allow-child-process to manage permissions.';
  throw Object.assign(new Error(message), {
    code: 'ERR_ACCESS_DENIED',
    permission: 'ChildProcess',
    resource: file,
  });
}

/**
 * Returns the environment with which a Node is as restricted as this one: its NODE_OPTIONS get the flags of `process.execArgv`, as
 * Node's own `spawn()` does it. Returns `env` itself if this process is not restricted, or if the child's flags say what it may do.
 */
export function restrictedEnvironment(env: Environment | undefined, argv: readonly string[]): Environment | undefined {
  if ((process as { permission?: Permission }).permission === undefined) return env;
  const options = (env ?? process.env)['NODE_OPTIONS'] ?? '';
  if ([...argv, ...options.split(/\s+/)].some((word) => SWITCH.test(word))) return env;
  const flags = permissionFlags(process.execArgv);
  if (flags.length === 0) return env;
  const all = [...(options === '' ? [] : [options]), ...flags.map(quoted)].join(' ');
  return { ...Object.fromEntries(variablesOf(env ?? process.env)), NODE_OPTIONS: all };
}

function permissionFlags(execArgv: readonly string[]): string[] {
  return execArgv.flatMap((word, i) => {
    if (!FLAG.test(word)) return [];
    const value = execArgv[i + 1];
    // `--allow-fs-read /tmp` is one option in two words.
    const isSplit = /^--allow-fs-(read|write)$/.test(word) && value !== undefined;
    return isSplit ? [`${word}=${value}`] : [word];
  });
}

/** Node splits NODE_OPTIONS at blanks that are not in double quotes. */
function quoted(word: string): string {
  return /[\s"\\]/.test(word) ? `"${word.replaceAll(/["\\]/g, String.raw`\$&`)}"` : word;
}
