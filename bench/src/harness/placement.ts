import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { findProgram } from './find-program.js';
import { type Peer, type Row, type Runner, type Side } from './part.js';
import { hasProcessTree, processTree } from './process-tree.js';

/**
 * The cores on which the two sides of a conversation run. A small round trip takes 17 us if both share a core, and 60 us if
 * each must wake the other's core. Without a placement a pair gets one of them by chance, and keeps it for its life: the
 * figure would say nothing about the code.
 */
export interface Placement {
  readonly cores: 'one' | 'two' | 'any';
  /** The row with all of its sides there, which its name says. */
  place(row: Row): Row;
}

const anywhere: Placement = { cores: 'any', place: (row) => row };

export interface Placements {
  /** All that there are. */
  readonly placements: readonly Placement[];
  /** The placement with a core for each of the two, if possible. */
  readonly apart: Placement;
  readonly notes: string[];
}

/** On one core and on two, if the system lets us choose; otherwise wherever it likes, with a note that says so. */
export function findPlacements(): Placements {
  const taskset = findProgram('taskset');
  const [first, second] = hasProcessTree ? twoCores() : [];
  if (taskset === undefined || first === undefined || second === undefined) {
    const note =
      taskset === undefined
        ? 'there is no taskset here: round trips run where the system puts them, and scatter by a factor of three'
        : 'there is one core here: both sides of a round trip share it';
    return { placements: [anywhere], apart: anywhere, notes: [note] };
  }
  const move = (partners: number) => (runner: Runner) => moveTo(taskset, runner.pid, first, partners);
  const together: Placement = { cores: 'one', place: (row) => placeRow(row, 'on one core', move(first)) };
  const apart: Placement = { cores: 'two', place: (row) => placeRow(row, 'on two cores', move(second)) };
  return { placements: [together, apart], apart, notes: [] };
}

/** Of those that we may use the first, and the first that is no other thread of its core. */
function twoCores(): readonly (number | undefined)[] {
  const allowed = readCores(
    /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '',
  );
  const [first] = allowed;
  const topology = `/sys/devices/system/cpu/cpu${String(first)}/topology/thread_siblings_list`;
  const siblings = existsSync(topology) ? readCores(readFileSync(topology, 'latin1')) : [first];
  return [first, allowed.find((core) => !siblings.includes(core))];
}

/** Such as 0-3,8 (cpuset(7), "List format"). */
function readCores(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [from, to = from] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}

/** Its sides move when they are warm: all of their processes and threads are there by then. */
function placeRow(row: Row, where: string, move: (runner: Runner) => void): Row {
  const place = <S extends Side | Peer>(side: S): S => ({
    ...side,
    async open() {
      const runner = await side.open();
      return {
        ...runner,
        settle() {
          move(runner);
        },
      };
    },
  });
  return { ...row, name: `${row.name}, ${where}`, ours: place(row.ours), peers: row.peers.map(place) };
}

/**
 * The main thread of the measured process to one core; to the other its partner, be it a thread or a process, and with
 * it whatever else there is.
 */
function moveTo(taskset: string, pid: number, core: number, partners: number): void {
  const set = (...args: readonly string[]) => execFileSync(taskset, ['-c', '-p', ...args], { stdio: 'ignore' });
  for (const process of processTree(pid)) set('-a', String(partners), String(process));
  set(String(core), String(pid));
}
