// The clusters: the machines of this process, what it calls, and all machines that have answered.
import { element, find, KeyedList, row, rowHeader, setClass, setText, show } from './dom.js';
import { counted, duration, number } from './format.js';
import { clusterPoolKey } from './rates.js';

/** @typedef {import('../src/snapshot/types.js').ClusterSnapshot} ClusterSnapshot */
/** @typedef {import('../src/snapshot/types.js').MachineSnapshot} MachineSnapshot */
/** @typedef {import('../src/snapshot/types.js').ClusterPoolSnapshot} ClusterPoolSnapshot */
/** @typedef {import('../src/snapshot/types.js').AnsweringMachineSnapshot} AnsweringMachineSnapshot */
/** @typedef {import('./rates.js').Rates} Rates */

export class Clusters {
  #section = find('#clusters');
  #empty = /** @type {HTMLElement} */ (this.#section.querySelector('.empty'));
  /** @type {KeyedList<ClusterSnapshot>} */
  #list;

  /** @param {Rates} rates */
  constructor(rates) {
    const cards = /** @type {Element} */ (this.#section.querySelector('.cards'));
    this.#list = new KeyedList(
      cards,
      (cluster) => cluster.number,
      () => makeCard(rates),
    );
  }

  /** @param {import('../src/snapshot/types.js').Snapshot} snapshot */
  update({ clusters }) {
    show(this.#empty, clusters.length === 0);
    this.#list.update(clusters);
  }
}

/** @param {Rates} rates @returns {import('./dom.js').View<ClusterSnapshot>} */
function makeCard(rates) {
  const title = element('h3');
  /** @type {ClusterSnapshot} */
  let cluster;
  const machines = new Table(
    'The machines of this process',
    ['Machine', 'State', 'Running', 'Done'],
    (/** @type {MachineSnapshot} */ { name, version }) => `${name} ${version}`,
    machineLines,
  );
  const pools = new Table(
    'What this process calls',
    ['Target', 'Outstanding', 'All callers', 'Done'],
    (/** @type {ClusterPoolSnapshot} */ pool) => clusterPoolKey(cluster, pool),
    (pool) => poolLines(pool, rates.of(clusterPoolKey(cluster, pool), pool, 'completed')),
  );
  const answering = new Table(
    'All machines that have answered',
    ['Machine', 'Workers', 'Running'],
    (/** @type {AnsweringMachineSnapshot} */ { name }) => name,
    answeringLines,
  );
  return {
    node: element('article', 'card', title, machines.node, pools.node, answering.node),
    update: (now) => {
      cluster = now;
      setText(title, `The cluster ${now.name}`);
      machines.update(now.machines);
      pools.update(now.pools);
      answering.update(now.answering);
    },
  };
}

/** A cell: a line, and a smaller one below. @typedef {readonly [line: string, detail: string]} Lines */

/** @param {MachineSnapshot} machine @returns {Lines[]} */
function machineLines(machine) {
  const { name, targets, version, state, lease, workers, running } = machine;
  return [
    [name, `${targets.join(', ')} in version ${version}; lease ${duration(lease)}`],
    [state, workersOf(workers)],
    [number(running), notes([machine.handedBack, 'handed back'], [machine.redelivered, 'redelivered'])],
    [number(machine.completed), notes([machine.failed, 'failed'], [machine.cancelled, 'cancelled'])],
  ];
}

/** @param {ClusterPoolSnapshot} pool @param {number | undefined} rate @returns {Lines[]} */
function poolLines(pool, rate) {
  const { target, version, queued, running, redelivered, machines } = pool;
  const isKnown = machines !== undefined;
  const whose = isKnown ? `on ${counted(machines, 'machine')}` : 'no answer yet';
  return [
    [target, `version ${version}; ${whose}`],
    [number(pool.outstanding), notes([pool.retried, 'retried'])],
    [
      isKnown ? `${number(queued)} waiting` : '–',
      isKnown ? notes([running, 'running'], [redelivered, 'redelivered']) : '',
    ],
    [
      `${number(rate)}/s`,
      [`${number(pool.completed)} in all`, notes([pool.failed, 'failed'], [pool.cancelled, 'cancelled'])]
        .filter(Boolean)
        .join(', '),
    ],
  ];
}

/** @param {AnsweringMachineSnapshot} machine @returns {Lines[]} */
function answeringLines({ name, targets, workers, running }) {
  return [
    [name, targets.join(', ')],
    [workersOf(workers), ''],
    [number(running), ''],
  ];
}

/** @param {MachineSnapshot['workers']} workers */
const workersOf = ({ starting, idle, busy }) => `${number(busy)} of ${counted(starting + idle + busy, 'worker')} busy`;

/** Says what is not zero: '2 failed, 1 cancelled'. @param {...[count: number | undefined, what: string]} counts */
const notes = (...counts) =>
  counts
    .filter(([count]) => count !== undefined && count > 0)
    .map(([count, what]) => `${number(count)} ${what}`)
    .join(', ');

/**
 * A table whose cells have two lines. It is hidden while it is empty.
 *
 * @template Item
 */
class Table {
  /** @type {HTMLElement} */
  node;
  /** @type {KeyedList<Item>} */
  #list;

  /**
   * @param {string} title
   * @param {string[]} columns
   * @param {(item: Item) => string} keyOf
   * @param {(item: Item) => readonly Lines[]} linesOf
   */
  constructor(title, columns, keyOf, linesOf) {
    const body = element('tbody');
    const names = columns.map((name, index) => {
      const cell = element('th', index === 0 ? '' : 'number', name);
      cell.scope = 'col';
      return cell;
    });
    const table = element('table', '', element('caption', '', title), element('thead', '', row(...names)), body);
    this.node = element('div', 'scroll', table);
    this.#list = new KeyedList(body, keyOf, () => makeRow(columns.length, linesOf));
  }

  /** @param {readonly Item[]} items */
  update(items) {
    show(this.node, items.length > 0);
    this.#list.update(items);
  }
}

/**
 * @template Item
 * @param {number} count
 * @param {(item: Item) => readonly Lines[]} linesOf
 * @returns {import('./dom.js').View<Item>}
 */
function makeRow(count, linesOf) {
  const cells = Array.from({ length: count }, (_, index) => {
    const line = element('span');
    const detail = index === 0 ? element('span', 'detail') : element('small');
    const cell = index === 0 ? rowHeader('name') : element('td', 'number');
    cell.append(line, detail);
    return { cell, line, detail };
  });
  return {
    node: row(...cells.map(({ cell }) => cell)),
    update: (item) => {
      for (const [index, [text, more]] of linesOf(item).entries()) {
        const { line, detail } = /** @type {typeof cells[0]} */ (cells[index]);
        setText(line, text);
        setClass(line, text === 'draining' ? 'state warn' : '');
        setText(detail, more);
      }
    },
  };
}
