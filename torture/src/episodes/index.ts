import { chainKills } from './chain-kills.js';
import { type Episode } from './episode.js';
import { failedCalls, limits } from './failed-calls.js';
import { hostileBytes, hostileChildren } from './hostile.js';
import { messages } from './messages.js';
import { parentKill } from './parent-kill.js';
import { poolKills } from './pool-kills.js';
import { supervisorKills } from './supervisor-kills.js';

/** All of them, by the names under which they are run. */
export const episodes: ReadonlyMap<string, Episode> = new Map(
  Object.entries({
    'pool-kills': poolKills,
    'supervisor-kills': supervisorKills,
    messages,
    'chain-kills': chainKills,
    'parent-kill': parentKill,
    'failed-calls': failedCalls,
    limits,
    'hostile-bytes': hostileBytes,
    'hostile-children': hostileChildren,
  }),
);
