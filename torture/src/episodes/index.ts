import { chainKills } from './chain-kills.js';
import { type Episode } from './episode.js';
import { failedCalls, refusedCalls } from './failed-calls.js';
import { fuzz } from './fuzz.js';
import { hostileBytes } from './hostile-bytes.js';
import { hostileChildren, hostileWorkers } from './hostile-children.js';
import { hostileStreams } from './hostile-streams.js';
import { hostileDescriptors } from './hostile-descriptors.js';
import { limits } from './limits.js';
import { messages } from './messages.js';
import { parentKill, parentKillInContainer } from './parent-kill.js';
import { poolKills } from './pool-kills.js';
import { shortCalls } from './short-calls.js';
import { supervisorKills } from './supervisor-kills.js';
import { threadKills, threadLoads } from './threads.js';

/** All of them, by the names under which they are run. */
export const episodes: ReadonlyMap<string, Episode> = new Map(
  Object.entries({
    'pool-kills': poolKills,
    'supervisor-kills': supervisorKills,
    messages,
    'chain-kills': chainKills,
    'parent-kill': parentKill,
    'parent-kill-in-container': parentKillInContainer,
    'thread-kills': threadKills,
    'thread-loads': threadLoads,
    'failed-calls': failedCalls,
    'refused-calls': refusedCalls,
    'short-calls': shortCalls,
    limits,
    fuzz,
    'hostile-bytes': hostileBytes,
    'hostile-children': hostileChildren,
    'hostile-workers': hostileWorkers,
    'hostile-streams': hostileStreams,
    'hostile-descriptors': hostileDescriptors,
  }),
);
