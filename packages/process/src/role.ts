import { AiopipeError } from '@aiopipe/core';
import { ChildError } from './errors.js';

const ROLE = Symbol.for('@aiopipe/process.role');

interface Role {
  isChild: boolean;
  /** A child does so until its function is called. */
  isEvaluating: boolean;
  /** How many processes are above this one, each started by the one above it. */
  depth: number;
  /** Tells the parent that this child can serve; set while its function runs. */
  tellReady?: () => void;
}

/** Of this process, whichever copy of the package asks. */
export const role: Role = ((globalThis as { [ROLE]?: Role })[ROLE] ??= {
  isChild: false,
  isEvaluating: false,
  depth: 0,
});

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

/** Children of children of children: nobody means to have more of them. */
const DEEPEST = 10;

/**
 * Throws while a child evaluates its module: that may be the one that started it, which would go on without end. What such
 * a module does later, when the child's function runs, can't be told from what that does: so there is an end in any case.
 */
export function refuseRecursion(what: string): void {
  const remedy = 'put it in a function that the target calls, or behind `if (!isChild())`';
  if (role.isEvaluating) {
    throw new ChildError(
      'ERR_AIOPIPE_START',
      `${what} starts a process while a child evaluates its module, which would go on without end; ${remedy}`,
    );
  }
  if (role.depth < DEEPEST) return;
  throw new ChildError(
    'ERR_AIOPIPE_START',
    `${what} starts a process in a child of a child, and so on, ${String(DEEPEST)} deep: if that is because its module does ` +
      `so when it is evaluated, ${remedy}`,
  );
}
