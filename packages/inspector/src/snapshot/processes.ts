import { basename } from 'node:path';
import { type TreeProcess } from '../proc/tree.js';
import { targetWords, type WatchedProcess } from '../watch/processes.js';
import { type ProcessSnapshot, type ProgramSnapshot } from './types.js';

const LONGEST_COMMAND = 200;
/** The state of a stopped or traced process, of one that has ended; proc_pid_stat(5). */
const STATES: Readonly<Record<string, ProcessSnapshot['state']>> = {
  T: 'stopped',
  t: 'stopped',
  Z: 'zombie',
  X: 'zombie',
};

export function snapshotProgram(time: number): ProgramSnapshot {
  const { user, system } = process.cpuUsage();
  return {
    pid: process.pid,
    command: [basename(process.execPath, '.exe'), ...process.argv.slice(1)].join(' ').slice(0, LONGEST_COMMAND),
    nodeVersion: process.version,
    startedAt: Math.round(time - process.uptime() * 1000),
    cpuTime: (user + system) / 1000,
    memory: process.memoryUsage.rss(),
    eventLoop: eventLoop(),
  };
}

function eventLoop(): ProgramSnapshot['eventLoop'] {
  const { eventLoopUtilization } = performance as Partial<typeof performance>;
  if (eventLoopUtilization === undefined) return undefined;
  const { active: busy, idle } = eventLoopUtilization.call(performance);
  // Deno has the function, and it always returns zeros. Node.js returns zeros only before the loop's first turn.
  return busy + idle === 0 ? undefined : { busy, idle };
}

/**
 * @param started - those that this process has started
 * @param tree - all that the system tells of
 */
export function snapshotProcesses(
  started: ReadonlyMap<number, WatchedProcess>,
  tree: ReadonlyMap<number, TreeProcess>,
): ProcessSnapshot[] {
  const ours = [...started.values()].map((watched) => {
    const { process: child, startedAt, target, isStarting } = watched;
    const { pid, kind, name, argv } = child;
    const seen = tree.get(pid);
    return {
      pid,
      parent: process.pid,
      kind,
      name,
      command: (seen?.command || argv.join(' ')).slice(0, LONGEST_COMMAND),
      target: target && targetWords(target),
      state: stateOf(seen) ?? (isStarting ? 'starting' : 'running'),
      startedAt,
      cpuTime: seen?.cpuTime,
      memory: seen?.memory,
    } as const;
  });
  const others = [...tree.values()]
    .filter(({ pid }) => !started.has(pid))
    .map((seen) => {
      const { pid, parent, command, name, startedAt, cpuTime, memory } = seen;
      return {
        pid,
        parent,
        kind: 'other',
        name: programOf(command) || name,
        command: command.slice(0, LONGEST_COMMAND),
        target: undefined,
        state: stateOf(seen) ?? 'running',
        startedAt,
        cpuTime,
        memory,
      } as const;
    });
  return [...ours, ...others];
}

const stateOf = (seen: TreeProcess | undefined) => (seen === undefined ? undefined : STATES[seen.state]);

const programOf = (command: string): string => basename(command.split(' ', 1)[0] ?? '');
