import { type DecodeLimits } from '@aiopipe/codec';
import { checkOptions, optionNames, show } from '@aiopipe/core/internal';

/** Bounds of messages from other machines: whoever may publish on the cluster's subjects is a stranger. */
export const DEFAULT_LIMITS: DecodeLimits = { depth: 1000, nodes: 10_000_000, memory: 512 * 1024 * 1024 };

const LIMITS = optionNames<DecodeLimits>({ depth: true, nodes: true, bytes: true, memory: true, symbols: true });

/** Returns the limits with all defaults. Throws TypeError for wrong ones. */
export function limitsOf(limits: DecodeLimits | undefined): DecodeLimits {
  checkOptions(limits, LIMITS, 'limits');
  for (const [name, limit] of Object.entries(limits ?? {}) as [string, unknown][]) {
    if (limit === undefined || (typeof limit === 'number' && limit >= 0)) continue;
    throw new TypeError(`limits.${name}: expected a number, 0 or more, not ${show(limit)}`);
  }
  return { ...DEFAULT_LIMITS, ...limits };
}
