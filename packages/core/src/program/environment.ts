import { inspect } from 'node:util';

/** The environment of a program: all of it, not an addition to ours. A name whose value is undefined is left out. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The variables of an environment, inherited enumerable names among them, as Node's own spawn counts them. Throws TypeError
 * for what is no object of names and strings, and for what the system can't hold: an empty name, a `=` in one, a NUL.
 */
export function variablesOf(env: unknown): [name: string, value: string][] {
  // A Map, say, has its pairs elsewhere: it would be an empty environment.
  if (Object.prototype.toString.call(env) !== '[object Object]') {
    throw new TypeError(`env: expected an object of names and values, not ${inspect(env, { depth: 0 })}`);
  }
  const variables: [string, string][] = [];
  for (const name in env as Record<string, unknown>) {
    const value = (env as Record<string, unknown>)[name];
    if (value === undefined) continue;
    if (typeof value !== 'string') {
      throw new TypeError(`env.${name}: expected a string, not ${inspect(value, { depth: 0 })}`);
    }
    if (name === '' || name.includes('=')) {
      throw new TypeError(`env: ${inspect(name)} can't be a variable's name`);
    }
    if (name.includes('\0') || value.includes('\0')) {
      throw new TypeError(`env.${name}: ${inspect(value)} holds a NUL, which can't be passed`);
    }
    variables.push([name, value]);
  }
  return variables;
}
