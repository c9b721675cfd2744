import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { openFds } from '@aiopipe/testing';
import { ALL_PARTS } from '../workloads/all.js';
import { chain } from '../workloads/parts.js';
import { Work } from '../workloads/work.js';
import { type Episode } from './episode.js';

/** Root has no limit of processes, or of descriptors on their way. */
const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

let canBeNobody: boolean | undefined;

/** Whether this process is root, and another user can read the episode's files. */
function isRoot(): boolean {
  const here = fileURLToPath(import.meta.url);
  canBeNobody ??=
    process.getuid?.() === 0 &&
    spawnSync(AS_NOBODY[0] as string, [...AS_NOBODY.slice(1), process.execPath, '--check', here]).status === 0;
  return canBeNobody;
}

export const limits: Episode = {
  about: 'few descriptors or processes: right data or a clear error, and never a hang',
  lacks: () => (spawnSync('prlimit', ['--version']).status === 0 ? undefined : 'prlimit is not there'),
  wrapper: (world) => (isRoot() && world.between(0, 1) === 0 ? { words: AS_NOBODY } : { words: [] }),
  async run(world) {
    if (process.getuid?.() !== 0 && world.between(0, 3) === 0) {
      limit('nproc', world.between(12, 60));
      world.fault('few processes');
      // Programs alone: Node itself hangs in its boot if it cannot start its threads.
      await new Work(world, true).some(10, [chain]);
    } else {
      limit('nofile', openFds().size + world.between(1, world.pick([25, 25, 150])));
      world.fault('few descriptors');
      await new Work(world, true).some(3, ALL_PARTS);
    }
  },
};

function limit(what: string, most: number): void {
  spawnSync('prlimit', [`--pid=${String(process.pid)}`, `--${what}=${String(most)}`]);
}
