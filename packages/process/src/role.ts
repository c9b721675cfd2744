import { AiopipeError } from '@aiopipe/core';
import { ChildError } from './errors.js';

const ROLE = Symbol.for('@aiopipe/process.role');

interface Role {
  isChild: boolean;
  isEvaluating: boolean;
  /** Tells the parent that this child can serve; set while its function runs. */
  tellReady?: () => void;
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

/**
 * Called by a target in its child, tells the parent that it can serve from now on: its `handle.ready` resolves. Once is
 * enough, more do nothing. A function that returns is ready, too.
 *
 * Throws `ERR_AIOPIPE_NO_CHILD` where no function of a child runs: in a program of its own, in a thread of a child's,
 * while its module is being evaluated.
 */
export function ready(): void {
  if (role.tellReady === undefined) {
    throw new AiopipeError(
      'ERR_AIOPIPE_NO_CHILD',
      'ready() tells the parent of a child process that its function can serve: call it in that function ' +
        '(isChild() says whether this is a child)',
    );
  }
  role.tellReady();
}

/** Throws while a child evaluates its module: that may be the one that started it, which would go on without end. */
export function refuseWhileEvaluating(what: string): void {
  if (!role.isEvaluating) return;
  throw new ChildError(
    'ERR_AIOPIPE_START',
    `${what} starts a process while a child evaluates its module, which would go on without end; ` +
      'put it in a function, or behind `if (!isChild())`',
  );
}
