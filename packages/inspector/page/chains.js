// The chains that run: the bytes through each joint, and what each program uses.
import { element, find, KeyedList, row, rowHeader, setText, show } from './dom.js';
import { bytes, duration, percent } from './format.js';
import { processKey } from './rates.js';

/** @typedef {import('../src/snapshot/types.js').Snapshot} Snapshot */
/** @typedef {import('../src/snapshot/types.js').ChainSnapshot} ChainSnapshot */
/** @typedef {import('../src/snapshot/types.js').StageSnapshot} StageSnapshot */
/** @typedef {import('../src/snapshot/types.js').ProcessSnapshot} ProcessSnapshot */
/** @typedef {import('./rates.js').Rates} Rates */

/**
 * @typedef {object} ShownStage
 * @property {string} key
 * @property {StageSnapshot} stage
 * @property {boolean} isLast
 * @property {ProcessSnapshot | undefined} process
 */

export class Chains {
  #section = find('#chains');
  #empty = /** @type {HTMLElement} */ (this.#section.querySelector('.empty'));
  /** @type {Map<number, ProcessSnapshot>} */
  #byPid = new Map();
  #time = 0;
  #rates;
  /** @type {KeyedList<ChainSnapshot>} */
  #list;

  /** @param {Rates} rates */
  constructor(rates) {
    this.#rates = rates;
    const cards = /** @type {Element} */ (this.#section.querySelector('.cards'));
    this.#list = new KeyedList(
      cards,
      (chain) => chain.number,
      () => this.#makeCard(),
    );
  }

  /** @param {Snapshot} snapshot */
  update({ chains, processes, time }) {
    this.#byPid = new Map(processes.map((process) => [process.pid, process]));
    this.#time = time;
    show(this.#empty, chains.length === 0);
    this.#list.update(chains);
  }

  /** @returns {import('./dom.js').View<ChainSnapshot>} */
  #makeCard() {
    const title = element('h3');
    const age = element('p', 'detail');
    const body = element('tbody');
    const names = ['Stage', 'State', 'CPU', 'Memory', 'Read', 'Through the joint'].map((name, index) => {
      const cell = element('th', index > 1 ? `number${index === 4 ? ' wide' : ''}` : '', name);
      cell.scope = 'col';
      return cell;
    });
    const table = element('table', '', element('thead', '', row(...names)), body);
    /** @type {KeyedList<ShownStage>} */
    const stages = new KeyedList(
      body,
      ({ key }) => key,
      () => this.#makeStage(),
    );
    return {
      node: element('article', 'card', title, age, element('div', 'scroll', table)),
      update: (chain) => {
        setText(title, chain.command);
        setText(age, `runs for ${duration(this.#time - chain.startedAt)}`);
        stages.update(
          chain.stages.map((stage, index) => ({
            key: `stage ${chain.number} ${index}`,
            stage,
            isLast: index === chain.stages.length - 1,
            process: stage.pid === undefined ? undefined : this.#byPid.get(stage.pid),
          })),
        );
      },
    };
  }

  /** @returns {import('./dom.js').View<ShownStage>} */
  #makeStage() {
    const name = rowHeader('name');
    const state = element('td', 'state');
    const [cpu, memory, read, joint] = [0, 1, 2, 3].map((index) =>
      element('td', index === 2 ? 'number wide' : 'number'),
    );
    const cells = /** @type {HTMLElement[]} */ ([cpu, memory, read, joint]);
    const [rate, total] = [element('span'), element('small')];
    joint?.append(rate, total);
    return {
      node: row(name, state, ...cells),
      update: ({ key, stage, isLast, process }) => {
        const used = process && this.#rates.of(processKey(process), process, 'cpuTime');
        setText(name, stage.pid === undefined ? `${stage.name} (a function)` : `${stage.name} (pid ${stage.pid})`);
        setText(state, stage.end ?? process?.state ?? 'runs');
        setText(/** @type {Element} */ (cpu), percent(used === undefined ? undefined : used / 1000));
        setText(/** @type {Element} */ (memory), bytes(process?.memory));
        setText(/** @type {Element} */ (read), bytes(stage.bytesRead));
        const written = this.#rates.of(key, stage, 'bytesWritten');
        setText(rate, written === undefined ? '–' : `${isLast ? '' : '↓ '}${bytes(written)}/s`);
        setText(total, stage.bytesWritten === undefined ? '' : `${bytes(stage.bytesWritten)} in all`);
      },
    };
  }
}
