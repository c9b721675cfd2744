/**
 * When a supervisor restarts which children: the rules of OTP's `supervisor.erl`, whose functions are named beside them.
 * They only decide. The engine starts, ends and waits.
 *
 * @module
 */

import { type AutoShutdown, type Restart, type Strategy } from './spec.js';

/** Why a child does not run. */
export type Cause =
  /** Its function returned, or the nested supervisor stopped itself (`autoShutdown`). OTP: `normal`, `shutdown`. */
  | 'returned'
  /** Its function threw, a signal or `process.exit()` ended it, or the nested supervisor gave up. OTP: any other reason. */
  | 'failed'
  /** It missed a heartbeat, and was killed. OTP has none: it is a failure. */
  | 'hung'
  /** A restart could not start it. OTP: `try_again_restart`. */
  | 'not restarted'
  /** It was shut down because a sibling is restarted. */
  | 'sibling restarted'
  /** `terminateChild()` shut it down. */
  | 'terminated'
  /** The whole supervisor stops or gives up. */
  | 'supervisor stops';

/** The decision about a child that has ended. */
export type Decision =
  /** It and the siblings that its strategy names are restarted, which counts for the intensity: {@link restartGroup}. */
  | 'restart'
  /** It is started again when the sibling is, which does not count. */
  | 'restart with sibling'
  /** It stays down, and its specification is kept. */
  | 'keep'
  /** It stays down, and its specification is deleted. OTP: `del_child/2`. */
  | 'delete';

// prettier-ignore
const DECISIONS: Readonly<Record<Cause, Readonly<Record<Restart, Decision>>>> = {
  // OTP: do_restart/3
  'returned':          { permanent: 'restart',              transient: 'keep',                 temporary: 'delete' },
  'failed':            { permanent: 'restart',              transient: 'restart',              temporary: 'delete' },
  'hung':              { permanent: 'restart',              transient: 'restart',              temporary: 'delete' },
  'not restarted':     { permanent: 'restart',              transient: 'restart',              temporary: 'delete' },
  // OTP: terminate_children/2
  'sibling restarted': { permanent: 'restart with sibling', transient: 'restart with sibling', temporary: 'delete' },
  // OTP: handle_call({terminate_child, _}, …), terminate/2
  'terminated':        { permanent: 'keep',                 transient: 'keep',                 temporary: 'delete' },
  'supervisor stops':  { permanent: 'keep',                 transient: 'keep',                 temporary: 'delete' },
};

/** Decides about a child that does not run. */
export function decide(cause: Cause, restart: Restart = 'permanent'): Decision {
  return DECISIONS[cause][restart];
}

/**
 * Returns the children that are restarted with one that ended, itself among them, from left to right. The others are shut
 * down from right to left; then all are started from left to right. OTP: `restart/2`.
 */
export function restartGroup<Child>(
  strategy: Strategy = 'one_for_one',
  children: readonly Child[],
  ended: Child,
): readonly Child[] {
  switch (strategy) {
    case 'one_for_one':
      return [ended];
    case 'rest_for_one':
      return children.slice(children.indexOf(ended));
    case 'one_for_all':
      return children;
  }
}

/**
 * Whether a supervisor stops itself after a significant child ended and stays down.
 *
 * @param others - whether another significant child runs or is about to
 */
export function stopsItself(autoShutdown: AutoShutdown = 'never', others: boolean): boolean {
  // OTP: do_auto_shutdown/2
  return autoShutdown === 'any_significant' || (autoShutdown === 'all_significant' && !others);
}
