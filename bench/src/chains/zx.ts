import { $ } from 'zx';

/**
 * zx runs its lines by bash, whose stdin is a socket then; without a level bash takes that for a remote login and runs
 * ~/.bashrc first (bash(1), INVOCATION): the machine's time, not zx's.
 */
export const zx = $({ env: { ...process.env, SHLVL: '1' } });
