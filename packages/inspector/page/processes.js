// The table of processes, supervisors, pools and chains.
import { element, find, KeyedList, row, rowHeader, setClass, setText, show } from './dom.js';
import { bytes, duration, percent } from './format.js';
import { askToKill } from './kill.js';
import { buildTree } from './process-tree.js';
import { processKey } from './rates.js';

/** @typedef {import('./process-tree.js').TreeRow} TreeRow */
/** @typedef {import('../src/snapshot/types.js').Snapshot} Snapshot */
/** @typedef {import('./rates.js').Rates} Rates */

/** Groups with more rows are closed until the user opens them. */
const MANY = 30;

/**
 * @typedef {object} ShownRow
 * @property {TreeRow} row
 * @property {boolean} isOpen
 * @property {number | undefined} cpu
 * @property {number | undefined} memory
 * @property {number} time
 */

export class ProcessTable {
  #section = find('#processes');
  #table = /** @type {HTMLElement} */ (this.#section.querySelector('table'));
  #empty = /** @type {HTMLElement} */ (this.#section.querySelector('.empty'));
  /** What the user has opened or closed. @type {Map<string, boolean>} */
  #open = new Map();
  #rates;
  /** @type {Snapshot | undefined} */
  #snapshot;
  /** @type {KeyedList<ShownRow>} */
  #list;

  /** @param {Rates} rates */
  constructor(rates) {
    this.#rates = rates;
    const body = /** @type {Element} */ (this.#table.querySelector('tbody'));
    this.#list = new KeyedList(
      body,
      ({ row: { key } }) => key,
      ({ row: { key } }) => this.#makeRow(key),
    );
  }

  /** @param {Snapshot} snapshot */
  update(snapshot) {
    this.#snapshot = snapshot;
    this.#render();
  }

  #render() {
    const snapshot = /** @type {Snapshot} */ (this.#snapshot);
    /** @type {ShownRow[]} */
    const shown = [];
    const add = (/** @type {readonly TreeRow[]} */ rows) => {
      for (const inner of rows) {
        const isOpen = this.#open.get(inner.key) ?? inner.rows.length <= MANY;
        shown.push({ row: inner, isOpen, ...this.#usage(inner), time: snapshot.time });
        if (isOpen) add(inner.rows);
      }
    };
    add(buildTree(snapshot));
    show(this.#empty, shown.length === 0);
    show(this.#table, shown.length > 0);
    this.#list.update(shown);
  }

  /** What a process uses; of a group, what all in it use. @param {TreeRow} row @returns {Pick<ShownRow, 'cpu' | 'memory'>} */
  #usage({ process, isGroup, rows }) {
    if (!isGroup) {
      const rate = process && this.#rates.of(processKey(process), process, 'cpuTime');
      return { cpu: rate === undefined ? undefined : rate / 1000, memory: process?.memory };
    }
    const all = rows.map((inner) => this.#usage(inner));
    const sum = (/** @type {(number | undefined)[]} */ values) =>
      values.some((value) => value !== undefined)
        ? values.reduce((total, value = 0) => (total ?? 0) + value, 0)
        : undefined;
    return { cpu: sum(all.map(({ cpu }) => cpu)), memory: sum(all.map(({ memory }) => memory)) };
  }

  /** @param {string} key @returns {import('./dom.js').View<ShownRow>} */
  #makeRow(key) {
    const header = rowHeader('name');
    const title = element('span');
    const toggle = element('button', 'toggle');
    toggle.type = 'button';
    const pid = element('span', 'pid detail');
    const detail = element('span', 'detail');
    const lastEnd = element('span', 'last-end');
    header.append(title, toggle, pid, detail, lastEnd);
    const state = element('td', 'state');
    const [cpu, memory] = [element('td', 'number'), element('td', 'number')];
    const age = element('td', 'number wide');
    const action = element('td', 'kill');
    const button = element('button', 'danger', 'Kill');
    button.type = 'button';
    action.append(button);
    const node = row(header, state, cpu, memory, age, action);
    /** @type {ShownRow} */
    let current;
    toggle.addEventListener('click', () => {
      this.#open.set(key, !current.isOpen);
      this.#render();
    });
    button.addEventListener('click', () => {
      if (current.row.process !== undefined) askToKill(current.row.process, current.row.name);
    });
    return {
      node,
      update: (shown) => {
        current = shown;
        const { row: inner, isOpen, time } = shown;
        const { process, name } = inner;
        const canOpen = inner.rows.length > 0;
        setClass(node, `level-${Math.min(inner.level, 4)}${inner.isGroup ? ' group' : ''}`);
        show(title, !canOpen);
        show(toggle, canOpen);
        setText(canOpen ? toggle : title, name);
        if (canOpen) toggle.setAttribute('aria-expanded', String(isOpen));
        setText(pid, process === undefined ? '' : ` pid ${process.pid}`);
        setText(detail, inner.detail);
        setText(lastEnd, inner.lastEnd);
        setText(state, inner.state);
        setClass(state, `state ${inner.mood}`);
        setText(cpu, percent(shown.cpu));
        setText(memory, bytes(shown.memory));
        setText(age, process === undefined ? '' : duration(time - process.startedAt));
        const canKill = process !== undefined && process.state !== 'zombie';
        show(button, canKill);
        if (canKill) button.setAttribute('aria-label', `Kill ${name}, pid ${process.pid}`);
      },
    };
  }
}
