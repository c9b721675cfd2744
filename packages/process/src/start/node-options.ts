import { inheritedExecArgv, inheritedNodeOptions, variablesOf, type Environment } from '@aiopipe/core/internal';

/** Returns the options that a child's Node is started with. */
export function execArgvFor(chosen: readonly string[] | undefined): readonly string[] {
  return chosen ?? inheritedExecArgv(process.execArgv);
}

/**
 * Returns a child's environment; undefined for this process's as it is. A NODE_OPTIONS that was inherited from this process is
 * filtered; one that was chosen for the child is not.
 */
export function environmentFor(chosen: Environment | undefined): Environment | undefined {
  const ours = process.env['NODE_OPTIONS'];
  if (ours === undefined || (chosen ?? process.env)['NODE_OPTIONS'] !== ours) return chosen;
  const inherited = inheritedNodeOptions(ours);
  if (inherited === ours) return chosen;
  return { ...Object.fromEntries(variablesOf(chosen ?? process.env)), NODE_OPTIONS: inherited };
}
