// The rows of the table of processes: supervisors, pools and chains with their processes, and the processes below those.
import { clock, counted } from './format.js';

/** @typedef {import('../src/snapshot/types.js').Snapshot} Snapshot */
/** @typedef {import('../src/snapshot/types.js').ProcessSnapshot} ProcessSnapshot */
/** @typedef {import('../src/snapshot/types.js').SupervisorSnapshot} SupervisorSnapshot */
/** @typedef {import('../src/snapshot/types.js').SupervisedSnapshot} SupervisedSnapshot */

/**
 * @typedef {object} TreeRow
 * @property {string} key
 * @property {number} level
 * @property {string} name
 * @property {string} detail
 * @property {string} state
 * @property {'good' | 'warn' | 'bad' | ''} mood
 * @property {string} lastEnd - how it ended last
 * @property {boolean} isGroup - a supervisor, a pool or a chain
 * @property {ProcessSnapshot | undefined} process
 * @property {TreeRow[]} rows - those below it
 */

/**
 * @param {Snapshot} snapshot
 * @returns {TreeRow[]}
 */
export function buildTree(snapshot) {
  return new Builder(snapshot).rows();
}

class Builder {
  #snapshot;
  /** @type {Map<number, ProcessSnapshot>} */
  #byPid;
  /** @type {Map<number, ProcessSnapshot[]>} */
  #byParent = new Map();
  /** @type {Set<number>} */
  #used = new Set();

  /** @param {Snapshot} snapshot */
  constructor(snapshot) {
    this.#snapshot = snapshot;
    this.#byPid = new Map(snapshot.processes.map((process) => [process.pid, process]));
    for (const process of snapshot.processes) {
      const siblings = this.#byParent.get(process.parent);
      if (siblings === undefined) this.#byParent.set(process.parent, [process]);
      else siblings.push(process);
    }
  }

  rows() {
    const { supervisors, pools, chains, processes, program } = this.#snapshot;
    const groups = [
      ...supervisors.map((supervisor) => this.#supervisor(supervisor, `Supervisor ${supervisor.number}`, 0)),
      ...pools.map((pool) => {
        const rows = pool.workers.map((worker) => {
          const { task } = worker;
          const doing = task === undefined ? '' : `runs ${task.target}`;
          const row = this.#process(worker.pid, worker.name, 1, doing);
          return { ...row, key: `worker ${worker.name}`, state: worker.state, mood: workerMood(worker.state) };
        });
        const restarts = pool.restarts === 0 ? '' : `, ${counted(pool.restarts, 'restart')}`;
        const detail = `${counted(rows.length, 'worker')}${restarts}`;
        return this.#group(`pool ${pool.number}`, capital(pool.title), detail, 0, rows);
      }),
      ...chains.map((chain) => {
        const rows = chain.stages.flatMap(({ pid, name, end }, index) => {
          if (pid === undefined) return [];
          const row = this.#process(pid, name, 1);
          const state = end ?? row.state;
          return [{ ...row, key: `stage ${chain.number} ${index}`, state, mood: end === undefined ? row.mood : '' }];
        });
        return this.#group(`chain ${chain.number}`, `Chain ${chain.command}`, counted(rows.length, 'program'), 0, rows);
      }),
    ];
    const left = processes.filter(({ pid }) => !this.#used.has(pid));
    const rest = left
      .filter(({ parent }) => parent === program.pid || !this.#byPid.has(parent))
      .map((process) => this.#process(process.pid, process.name, 0));
    return [...groups, ...rest];
  }

  /**
   * @param {string} key
   * @param {string} name
   * @param {string} detail
   * @param {number} level
   * @param {any[]} rows
   * @param {Partial<TreeRow>} [more]
   * @returns {TreeRow}
   */
  #group(key, name, detail, level, rows, more) {
    return {
      key,
      level,
      name,
      detail,
      state: '',
      mood: '',
      lastEnd: '',
      isGroup: true,
      process: undefined,
      rows,
      ...more,
    };
  }

  /**
   * @param {SupervisorSnapshot} supervisor
   * @param {string} name
   * @param {number} level
   * @param {Partial<TreeRow>} [more]
   * @returns {TreeRow}
   */
  #supervisor({ number, children }, name, level, more) {
    const rows = children.map((child) => {
      const key = `supervised ${number} ${child.id}`;
      const about = {
        key,
        lastEnd: lastEndText(child),
        ...(child.state === 'running' ? {} : { state: child.state, mood: childMood(child.state) }),
      };
      if (child.supervisor !== undefined) {
        return this.#supervisor(child.supervisor, `Supervisor ${child.id}`, level + 1, about);
      }
      return { ...this.#process(child.pid, child.id, level + 1), ...about };
    });
    const restarts = children.reduce((sum, child) => sum + child.restarts, 0);
    const detail = `${counted(children.length, 'child', 'children')}, ${counted(restarts, 'restart')}`;
    return this.#group(`supervisor ${number}`, name, detail, level, rows, more);
  }

  /**
   * @param {number | undefined} pid
   * @param {string} name
   * @param {number} level
   * @param {string} [doing]
   * @returns {TreeRow}
   */
  #process(pid, name, level, doing) {
    const process = pid === undefined ? undefined : this.#byPid.get(pid);
    if (pid !== undefined) this.#used.add(pid);
    const below = pid === undefined ? [] : (this.#byParent.get(pid) ?? []);
    return {
      key: `process ${pid}`,
      level,
      name,
      detail: doing ?? (process === undefined ? '' : detailOf(process, this.#isOrphan(process))),
      state: process?.state ?? 'ended',
      mood: process === undefined ? '' : MOODS[process.state],
      lastEnd: '',
      isGroup: false,
      process,
      rows: below.map((inner) => this.#process(inner.pid, inner.name, level + 1)),
    };
  }

  /** @param {ProcessSnapshot} process */
  #isOrphan({ parent }) {
    return parent !== this.#snapshot.program.pid && !this.#byPid.has(parent);
  }
}

/** @type {Record<ProcessSnapshot['state'], TreeRow['mood']>} */
const MOODS = { running: 'good', starting: 'warn', stopped: 'bad', zombie: 'bad' };

/** @param {string} state @returns {TreeRow['mood']} */
const childMood = (state) => (state === 'stopped' ? '' : 'warn');

/** @param {string} state @returns {TreeRow['mood']} */
const workerMood = (state) => (state === 'busy' || state === 'idle' ? 'good' : 'warn');

/** @param {ProcessSnapshot} process @param {boolean} isOrphan */
function detailOf({ kind, target, command }, isOrphan) {
  const what = kind === 'prefork' ? 'waits for a target' : target === undefined ? command : `runs ${target}`;
  return isOrphan ? `${what} (its parent has ended)` : what;
}

/** @param {SupervisedSnapshot} child */
function lastEndText({ lastEnd, restarts, state }) {
  if (lastEnd === undefined) return '';
  const next = state === 'running' ? '' : `, and ${lastEnd.next}`;
  return `${counted(restarts, 'restart')}; at ${clock(lastEnd.time)} it ${lastEnd.what}${next}`;
}

/** @param {string} text */
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
