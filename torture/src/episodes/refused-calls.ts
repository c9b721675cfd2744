import { constants } from 'node:os';
import { compiled } from '../compiled.js';
import { ALL_PARTS } from '../workloads/all.js';
import { Work } from '../workloads/work.js';
import { type World } from '../world.js';
import { type Episode } from './episode.js';

/** A system call that a sandbox or an old kernel always refuses, with the errors. */
type Refused = readonly (readonly [call: string, errors: readonly (keyof typeof constants.errno)[]])[];

/** Calls that can be done without. */
const OPTIONAL: Refused = [
  ['pidfd_open', ['ENOSYS', 'EPERM']],
  ['preadv2', ['ENOSYS', 'EPERM', 'EOPNOTSUPP']],
  ['pwritev2', ['ENOSYS', 'EPERM', 'EOPNOTSUPP']],
  ['close_range', ['ENOSYS', 'EPERM']],
];

/** Calls that some of the work needs. */
const NEEDED: Refused = [
  ['memfd_create', ['ENOSYS', 'EPERM', 'EMFILE']],
  ['ftruncate', ['EPERM', 'EINVAL']],
  ['shared-mmap', ['ENOMEM', 'EPERM', 'EACCES']],
  ['add-seals', ['EPERM', 'EINVAL']],
  ['duplicate', ['EMFILE', 'EPERM']],
  ['socket', ['EMFILE', 'EPERM', 'EACCES']],
  ['socketpair', ['EMFILE', 'EPERM']],
  ['bind', ['EPERM', 'EACCES']],
  ['listen', ['EPERM']],
  ['accept4', ['EPERM', 'ENOSYS', 'EMFILE']],
  ['connect', ['EPERM', 'EACCES']],
  ['sendmsg', ['EPERM', 'ENOSYS']],
];

const helper = () => compiled('refuse.c', 'program');

const refusing = (calls: Refused): Pick<Episode, 'lacks' | 'wrapper'> => ({
  lacks: () => (helper() === undefined ? 'there is no C compiler (cc)' : undefined),
  wrapper(world: World) {
    const [call, errors] = world.pick(calls);
    const error = world.pick(errors);
    const words = [helper() as string, call, String(constants.errno[error])];
    return { words, fault: `${error} of ${call}` };
  },
});

export const refusedCalls: Episode = {
  about: 'a filter of seccomp, as a sandbox has it, refuses a system call that is not needed: right data all the same',
  ...refusing(OPTIONAL),
  run: (world) => new Work(world, false).some(3, ALL_PARTS),
};

export const refusedNeeds: Episode = {
  about: 'a filter of seccomp refuses a system call that is needed: right data or a clear error, and never a hang',
  ...refusing(NEEDED),
  run: (world) => new Work(world, true).some(3, ALL_PARTS),
};
