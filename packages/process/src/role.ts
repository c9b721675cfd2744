const ROLE = Symbol.for('@aiopipe/process.role');

interface Role {
  isChild: boolean;
  isEvaluating: boolean;
}

/** Of this process, whichever copy of the package asks. */
export const role: Role = ((globalThis as { [ROLE]?: Role })[ROLE] ??= { isChild: false, isEvaluating: false });

/**
 * Whether this process was started by `startProcess`. A module that is both a program and the home of a target asks it,
 * so that the child, which evaluates the same module, doesn't start children of its own:
 *
 * ```ts
 * if (!isChild()) await main();
 * ```
 */
export function isChild(): boolean {
  return role.isChild;
}
