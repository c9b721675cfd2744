import { fileURLToPath } from 'node:url';
import { AiopipeError } from '@aiopipe/core';
import { native } from '@aiopipe/core/internal';
import { ChildError } from '../errors.js';
import { type SiblingCalls } from './sibling-calls.js';

const ROLE = Symbol.for('@aiopipe/process.role');

interface Role {
  isChild: boolean;
  /** A child evaluates modules until its function is called. */
  isEvaluating: boolean;
  /** The URL of the module that this process evaluates, or evaluated last. */
  module?: string;
  /** The number of processes above this one, each started by the one above it. */
  depth: number;
  /** Tells the parent that this child can serve; set while its function runs. */
  tellReady?: () => void;
  /** Channels to and from the siblings of this child; set from when its function is called. */
  siblings?: SiblingCalls;
}

/** The program of a child process. Its arguments are the child's depth and its name. */
export const childEntry = fileURLToPath(new URL('./child.js', import.meta.url));

/** The role of this thread, for all copies of the package. In the main thread it is the role of the process. */
export const role: Role = ((globalThis as { [ROLE]?: Role })[ROLE] ??= {
  // A module that `--import` names may ask before the child's program runs.
  isChild: process.argv[1] === childEntry,
  isEvaluating: false,
  depth: process.argv[1] === childEntry ? Number(process.argv[2]) : 0,
});

/** Changes the role of this process. Its other threads read it from the binding. */
export function takeRole(change: Partial<Role>): void {
  Object.assign(role, change);
  if (role.isChild) native().processMark(Math.max(1, role.depth) * 2 + Number(role.isEvaluating));
}

/** Returns the role of the process, in any of its threads: recursion can go on in a thread. */
function processRole(): Pick<Role, 'isChild' | 'isEvaluating' | 'depth'> {
  if (role.isChild) return role;
  const mark = readMark();
  return { isChild: mark > 0, isEvaluating: mark % 2 === 1, depth: Math.floor(mark / 2) };
}

function readMark(): number {
  try {
    return native().processMark(-1);
  } catch {
    // Without the binding no process can be started.
    return 0;
  }
}

/** Returns the number of processes above a child that is started now. */
export const nextDepth = (): number => processRole().depth + 1;

/**
 * Returns whether `startProcess()` started this process; also in a thread of a child. A module that is both a program and the
 * home of a target must ask it: a child evaluates the same module, and must not run the program again.
 *
 * @example
 * ```ts
 * import { isChild, startProcess, target } from '@aiopipe/process';
 *
 * export const where = target(import.meta.url, 'where', () => isChild());
 *
 * if (!isChild()) console.log('in the child:', await startProcess(where).result); // a child must not start itself again
 * ```
 * ```text
 * in the child: true
 * ```
 */
export function isChild(): boolean {
  return processRole().isChild;
}

/**
 * Tells the parent that this child can serve from now on: `child.ready` of the parent resolves. The target's function calls it; a
 * second call does nothing. When a function returns, its child is ready, too.
 *
 * Throws `ERR_AIOPIPE_NO_CHILD` if no function of a child runs: in a program, in a thread of a child, or while a module is being
 * evaluated.
 *
 * @example
 * ```ts
 * import { isChild, ready, startProcess, target } from '@aiopipe/process';
 *
 * export const serve = target(import.meta.url, 'serve', async () => {
 *   console.log('has opened its port');
 *   ready();
 *   await new Promise(() => setInterval(() => {}, 1000));
 * });
 *
 * if (!isChild()) {
 *   const child = startProcess(serve);
 *   await child.ready;
 *   console.log((await child.stop()).signalCode);
 * }
 * ```
 * ```text
 * has opened its port
 * SIGTERM
 * ```
 */
export function ready(): void {
  if (role.tellReady === undefined) throw outsideChild('ready');
  role.tellReady();
}

/** Returns what the calls about siblings need. Throws outside the function of a child. */
export function siblingCalls(call: string): SiblingCalls {
  if (role.siblings === undefined) throw outsideChild(call);
  return role.siblings;
}

function outsideChild(call: string): AiopipeError {
  return new AiopipeError(
    'ERR_AIOPIPE_NO_CHILD',
    `${call}() was called outside the function of a child process; call it in that function ` +
      '(isChild() returns whether this process is a child)',
  );
}

/** Levels of children of children. More of them are a recursion by mistake. */
const DEEPEST = 10;

/**
 * Whether this process was started as a child, but its command ran another program than ours: a single executable is always its own
 * program, and so is an `execPath` that is not Node. The command gives the child's program and its arguments to that program.
 */
const isProgramAgain = (): boolean => process.argv.indexOf(childEntry, 2) > 0;

/**
 * Throws while a child evaluates its module: that may be the module that started the child, and would go on without end. A start
 * that the module makes later cannot be told from one that the function makes, so the depth has a limit, too.
 */
export function refuseRecursion(what: string): void {
  const { isChild, isEvaluating, depth } = processRole();
  if (!isChild && isProgramAgain()) {
    throw new ChildError(
      'ERR_AIOPIPE_START',
      `${process.execPath} was started as a child process, but it ran the program again; each would start the next. Is it a single ` +
        'executable, or a process.execPath that is not Node.js? docs/packaging.md says what to do',
    );
  }
  const remedy = 'move the start into a function that the target calls, or behind `if (!isChild())`';
  // The user's file, and not our file that a pool's workers run.
  const who = role.module ?? what;
  if (isEvaluating) {
    throw new ChildError(
      'ERR_AIOPIPE_START',
      `${who} starts a process while a child evaluates its module, so each child would start another; ${remedy}`,
    );
  }
  if (depth < DEEPEST) return;
  throw new ChildError(
    'ERR_AIOPIPE_START',
    `${who} starts a process ${String(DEEPEST)} levels of children deep: if its module does ` +
      `so while it is evaluated, ${remedy}`,
  );
}
