import { AiopipeError } from '@aiopipe/core';
import { native } from '@aiopipe/core/internal';
import { ChildError } from '../errors.js';

const ROLE = Symbol.for('@aiopipe/process.role');

interface Role {
  isChild: boolean;
  /** A child does so until its function is called. */
  isEvaluating: boolean;
  /** URL of the module that it evaluates, or evaluated last. */
  module?: string;
  /** How many processes are above this one, each started by the one above it. */
  depth: number;
  /** Tells the parent that this child can serve; set while its function runs. */
  tellReady?: () => void;
}

/** Of this thread, whichever copy of the package asks. In the main thread that is the process's. */
export const role: Role = ((globalThis as { [ROLE]?: Role })[ROLE] ??= {
  isChild: false,
  isEvaluating: false,
  depth: 0,
});

/** Changes the role of this process: for its other threads, which have no child.js of ours, by the binding. */
export function takeRole(change: Partial<Role>): void {
  Object.assign(role, change);
  if (role.isChild) native().processMark(Math.max(1, role.depth) * 2 + Number(role.isEvaluating));
}

/** The role of the process, whichever thread asks: one that recursion could go on in must not take itself for the first. */
function processRole(): Pick<Role, 'isChild' | 'isEvaluating' | 'depth'> {
  if (role.isChild) return role;
  const mark = readMark();
  return { isChild: mark > 0, isEvaluating: mark % 2 === 1, depth: Math.floor(mark / 2) };
}

function readMark(): number {
  try {
    return native().processMark(-1);
  } catch {
    // Without a binding no process was started, and none will be.
    return 0;
  }
}

/** How many processes are above a child that is started now. */
export const nextDepth = (): number => processRole().depth + 1;

/**
 * Whether this process was started by `startProcess`. A module that is both a program and the home of a target asks it,
 * so that the child, which evaluates the same module, doesn't start children of its own. In a thread of a child it is true, too:
 *
 * ```ts
 * if (!isChild()) await main();
 * ```
 */
export function isChild(): boolean {
  return processRole().isChild;
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
  const { isEvaluating, depth } = processRole();
  const remedy = 'put it in a function that the target calls, or behind `if (!isChild())`';
  // The user's file, and not the one of ours that a pool's workers run.
  const who = role.module ?? what;
  if (isEvaluating) {
    throw new ChildError(
      'ERR_AIOPIPE_START',
      `${who} starts a process while a child evaluates its module, which would go on without end; ${remedy}`,
    );
  }
  if (depth < DEEPEST) return;
  throw new ChildError(
    'ERR_AIOPIPE_START',
    `${who} starts a process in a child of a child, and so on, ${String(DEEPEST)} deep: if that is because its module does ` +
      `so when it is evaluated, ${remedy}`,
  );
}
