import { calls } from './calls.js';
import { chainKills } from './chain-kills.js';
import { childLimits } from './child-limits.js';
import { type Episode } from './episode.js';
import { failedCalls, failedCallsOfHandles } from './failed-calls.js';
import { fuzz } from './fuzz.js';
import { hostileBytes } from './hostile-bytes.js';
import { hostileCalls } from './hostile-calls.js';
import { hostileChildren, hostileWorkers } from './hostile-children.js';
import { hostileStreams } from './hostile-streams.js';
import { hostileDescriptors } from './hostile-descriptors.js';
import { limits } from './limits.js';
import { memory } from './memory.js';
import { messages } from './messages.js';
import { parentKill, parentKillInContainer } from './parent-kill.js';
import { poolFeatures } from './pool-features.js';
import { poolKills } from './pool-kills.js';
import { refusedCalls, refusedNeeds } from './refused-calls.js';
import { rendezvous } from './rendezvous.js';
import { shortCalls } from './short-calls.js';
import { sockets } from './sockets.js';
import { supervisorKills } from './supervisor-kills.js';
import { threadKills, threadLoads } from './threads.js';

/** All of them, by the names under which they are run. */
export const episodes: ReadonlyMap<string, Episode> = new Map(
  Object.entries({
    'pool-kills': poolKills,
    'supervisor-kills': supervisorKills,
    'pool-features': poolFeatures,
    messages,
    calls,
    memory,
    sockets,
    rendezvous,
    'chain-kills': chainKills,
    'parent-kill': parentKill,
    'parent-kill-in-container': parentKillInContainer,
    'thread-kills': threadKills,
    'thread-loads': threadLoads,
    'failed-calls': failedCalls,
    'failed-calls-of-handles': failedCallsOfHandles,
    'refused-calls': refusedCalls,
    'refused-needs': refusedNeeds,
    'short-calls': shortCalls,
    limits,
    'child-limits': childLimits,
    fuzz,
    'hostile-bytes': hostileBytes,
    'hostile-calls': hostileCalls,
    'hostile-children': hostileChildren,
    'hostile-workers': hostileWorkers,
    'hostile-streams': hostileStreams,
    'hostile-descriptors': hostileDescriptors,
  }),
);
