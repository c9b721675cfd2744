import { inheritedExecArgv, inheritedNodeOptions, variablesOf } from '@aiopipe/core/internal';
import { type Surroundings } from './surroundings.js';

/** Options that a child's Node is started with. */
export function execArgvFor({ execArgv }: Pick<Surroundings, 'execArgv'>): readonly string[] {
  return execArgv ?? inheritedExecArgv(process.execArgv);
}

/** Undefined: ours as it is. What was inherited from us is filtered, and nothing that was chosen for the child. */
export function environmentFor(env: Surroundings['env']): Surroundings['env'] {
  const ours = process.env['NODE_OPTIONS'];
  if (ours === undefined || (env ?? process.env)['NODE_OPTIONS'] !== ours) return env;
  const inherited = inheritedNodeOptions(ours);
  return inherited === ours ? env : { ...Object.fromEntries(variablesOf(env ?? process.env)), NODE_OPTIONS: inherited };
}
