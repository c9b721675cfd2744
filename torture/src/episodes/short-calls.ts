import { compiled } from '../compiled.js';
import { ALL_PARTS } from '../workloads/all.js';
import { Work } from '../workloads/work.js';
import { type Episode } from './episode.js';

const preload = () => compiled('short-calls.c', 'preload');

export const shortCalls: Episode = {
  about: 'reads and writes move less than they could, are interrupted, or would block: right data, and no error',
  lacks: () => (preload() === undefined ? 'there is no C compiler (cc)' : undefined),
  wrapper(world) {
    const seed = String(world.between(1, 1e9));
    return {
      words: ['env', `LD_PRELOAD=${String(preload())}`, `AIOPIPE_SHORT_CALLS=${seed}`],
      fault: 'short reads and writes',
    };
  },
  run: (world) => new Work(world, false).some(3, ALL_PARTS),
};
