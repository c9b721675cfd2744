// The charts of the whole program. A chart is there once there is something to show in it.
import { Chart } from './chart.js';
import { find } from './dom.js';
import { bytes, number, percent } from './format.js';
import { processKey } from './rates.js';

/** @typedef {import('../src/snapshot/types.js').Snapshot} Snapshot */
/** @typedef {import('./rates.js').Rates} Rates */

const perSecond = (/** @type {number} */ value) => `${bytes(value)}/s`;

export class Charts {
  /** @type {Map<string, Chart>} */
  #charts = new Map();
  #rates;

  /** @param {Rates} rates */
  constructor(rates) {
    this.#rates = rates;
  }

  /** @param {Snapshot} snapshot */
  update(snapshot) {
    const { program, processes, channels, pools, chains, time } = snapshot;
    const rates = this.#rates;
    if (rates.seconds === 0) return;
    const own = (rates.of('program', program, 'cpuTime') ?? 0) / 1000;
    const below = sum(processes, (process) => (rates.of(processKey(process), process, 'cpuTime') ?? 0) / 1000);
    this.#add(time, true, 'CPU', ['this process', 'all below it'], percent, [own, below]);
    const busy = rates.of('program', { busy: 0, ...program, ...program.eventLoop }, 'busy') ?? 0;
    this.#add(time, program.eventLoop !== undefined, 'Event loop', ['busy'], percent, [Math.min(busy / 1000, 1)]);
    const through = (/** @type {'messagesSent' | 'messagesReceived' | 'bytesSent' | 'bytesReceived'} */ count) =>
      sum(channels, (channel) => rates.of(`channel ${channel.number}`, channel, count) ?? 0);
    const names = ['sent', 'received'];
    const hasChannels = channels.length > 0;
    const messages = [through('messagesSent'), through('messagesReceived')];
    this.#add(time, hasChannels, 'Messages/s', names, number, messages);
    const sizes = [through('bytesSent'), through('bytesReceived')];
    this.#add(time, hasChannels, 'Bytes in channels', names, perSecond, sizes);
    const done = sum(pools, (pool) => rates.of(`pool ${pool.number}`, pool, 'completed') ?? 0);
    const waiting = sum(pools, ({ queued }) => queued);
    this.#add(time, pools.length > 0, 'Tasks of all pools', ['done/s', 'waiting'], number, [done, waiting]);
    const written = sum(chains, ({ number: chain, stages }) =>
      sum([...stages.entries()], ([index, stage]) => rates.of(`stage ${chain} ${index}`, stage, 'bytesWritten') ?? 0),
    );
    this.#add(time, chains.length > 0, 'Bytes through chains', ['written by all stages'], perSecond, [written]);
  }

  /**
   * @param {number} time
   * @param {boolean} isNeeded
   * @param {string} title
   * @param {string[]} series
   * @param {(value: number) => string} format
   * @param {number[]} values
   */
  #add(time, isNeeded, title, series, format, values) {
    let chart = this.#charts.get(title);
    if (chart === undefined) {
      if (!isNeeded) return;
      this.#charts.set(title, (chart = new Chart(title, series, format)));
      find('#charts').append(chart.node);
    }
    chart.add(time, values);
  }
}

/**
 * @template Item
 * @param {readonly Item[]} items
 * @param {(item: Item) => number} valueOf
 */
function sum(items, valueOf) {
  return items.reduce((total, item) => total + valueOf(item), 0);
}
