// The pools: counts, times, a chart, and the workers with what they do.
import { Chart } from './chart.js';
import { element, find, KeyedList, row, rowHeader, setClass, setText, show } from './dom.js';
import { Facts } from './facts.js';
import { duration, number } from './format.js';

/** @typedef {import('../src/snapshot/types.js').PoolSnapshot} PoolSnapshot */
/** @typedef {import('../src/snapshot/types.js').WorkerSnapshot} WorkerSnapshot */
/** @typedef {import('./rates.js').Rates} Rates */

/** The workers of larger pools are behind a line to open. */
const MANY = 30;

export class Pools {
  #section = find('#pools');
  #empty = /** @type {HTMLElement} */ (this.#section.querySelector('.empty'));
  #time = 0;
  /** @type {KeyedList<PoolSnapshot>} */
  #list;

  /** @param {Rates} rates */
  constructor(rates) {
    const cards = /** @type {Element} */ (this.#section.querySelector('.cards'));
    this.#list = new KeyedList(
      cards,
      (pool) => pool.number,
      () => makeCard(rates, () => this.#time),
    );
  }

  /** @param {import('../src/snapshot/types.js').Snapshot} snapshot */
  update({ pools, time }) {
    this.#time = time;
    show(this.#empty, pools.length === 0);
    this.#list.update(pools);
  }
}

/**
 * @param {Rates} rates
 * @param {() => number} timeNow
 * @returns {import('./dom.js').View<PoolSnapshot>}
 */
function makeCard(rates, timeNow) {
  const title = element('h3');
  const list = element('dl', 'facts');
  const facts = new Facts(list);
  const chart = new Chart('Tasks', ['done/s', 'waiting'], number);
  const summary = element('summary');
  const body = element('tbody');
  const names = ['Worker', 'State', 'What it does', 'Tasks'].map((name, index) => {
    const cell = element('th', index === 3 ? 'number' : '', name);
    cell.scope = 'col';
    return cell;
  });
  const table = element('table', '', element('thead', '', row(...names)), body);
  const details = element('details', '', summary, element('div', 'scroll', table));
  const workers = new KeyedList(
    body,
    (/** @type {WorkerSnapshot} */ { name }) => name,
    () => makeWorker(timeNow),
  );
  let isNew = true;
  return {
    node: element('article', 'card', title, list, chart.node, details),
    update: (pool) => {
      const { queued, completed, failed, cancelled } = pool;
      const done = rates.of(`pool ${pool.number}`, pool, 'completed');
      setText(title, pool.title.charAt(0).toUpperCase() + pool.title.slice(1));
      chart.add(timeNow(), [done, queued]);
      facts.update([
        ['waiting', number(queued)],
        ['running', number(pool.running)],
        ['done', number(completed)],
        ['failed', number(failed)],
        ['cancelled', number(cancelled)],
        ['retried', number(pool.retried)],
        ['workers died', number(pool.restarts)],
        ['recycled', number(pool.recycled)],
        ['killed', number(pool.killed)],
        ['wait (median, p99)', times(pool.waitTime)],
        ['run (median, p99)', times(pool.runTime)],
      ]);
      const busy = pool.workers.filter(({ state }) => state === 'busy').length;
      setText(summary, `${number(pool.workers.length)} workers, ${number(busy)} busy`);
      if (isNew) details.open = pool.workers.length <= MANY;
      isNew = false;
      // A closed list costs nothing.
      if (details.open) workers.update(pool.workers);
    },
  };
}

/**
 * @param {() => number} timeNow
 * @returns {import('./dom.js').View<WorkerSnapshot>}
 */
function makeWorker(timeNow) {
  const name = rowHeader('name');
  const [state, doing, tasks] = [element('td', 'state'), element('td'), element('td', 'number')];
  return {
    node: row(name, state, doing, tasks),
    update: (worker) => {
      const { task } = worker;
      setText(name, worker.pid === undefined ? worker.name : `${worker.name} (pid ${worker.pid})`);
      setText(state, worker.state);
      setClass(state, `state ${worker.state === 'busy' || worker.state === 'idle' ? 'good' : 'warn'}`);
      setText(
        doing,
        task === undefined ? '' : `${task.target} for ${duration(Math.max(timeNow() - task.startedAt, 1))}`,
      );
      setText(tasks, number(worker.tasks));
    },
  };
}

/** @param {PoolSnapshot['waitTime']} pair */
const times = (pair) => (pair === undefined ? '–' : `${duration(pair.median)}, ${duration(pair.p99)}`);
