import { contextVariables } from '../observe/carriers.js';
import { refuseText } from '../check/text.js';
import { show } from '../check/show.js';

/**
 * The environment of a program: all of it, not an addition to ours. A name whose value is undefined is left out.
 *
 * @example
 * ```ts
 * import { popen } from '@aiopipe/subprocess';
 *
 * await using program = popen(['sh', '-c', 'echo $GREETING'], { env: { ...process.env, GREETING: 'hello' } });
 * await program.wait();
 * ```
 * ```text
 * hello
 * ```
 */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the variables of an environment. Inherited enumerable names count, as in Node's own spawn. Throws a TypeError for
 * anything but an object of names and strings, and for what the system cannot hold: an empty name, a `=` in one, a NUL.
 */
export function variablesOf(env: unknown): [name: string, value: string][] {
  // A Map, say, has its pairs elsewhere: it would be an empty environment.
  if (Object.prototype.toString.call(env) !== '[object Object]') {
    throw new TypeError(`env: expected an object of names and values, not ${show(env)}`);
  }
  const variables: [string, string][] = [];
  for (const name in env as Record<string, unknown>) {
    const value = (env as Record<string, unknown>)[name];
    if (value === undefined) continue;
    if (name === '' || name.includes('=') || name.includes('\0')) {
      throw new TypeError(`env: ${show(name)} cannot be the name of a variable`);
    }
    if (typeof value !== 'string' || value.includes('\0')) throw refuseText(`env.${name}`, value);
    variables.push([name, value]);
  }
  return variables;
}

/** Adds the variables of context carriers to an environment; variables that the caller has set to other values than ours stay. */
export function withContextVariables(env: Environment | undefined): Environment | undefined {
  const variables = contextVariables(variablesOf);
  if (variables === undefined) return env;
  const all: Record<string, string | undefined> = { ...(env ?? process.env) };
  for (const [name, value] of variables) {
    if (all[name] === undefined || all[name] === process.env[name]) all[name] = value;
  }
  return all;
}
