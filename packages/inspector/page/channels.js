// The ends of channels, with what goes through each.
import { element, find, KeyedList, row, rowHeader, setText, show } from './dom.js';
import { bytes, counted, number } from './format.js';

/** @typedef {import('../src/snapshot/types.js').ChannelSnapshot} ChannelSnapshot */
/** @typedef {import('./rates.js').Rates} Rates */

export class Channels {
  #section = find('#channels');
  #table = /** @type {HTMLElement} */ (this.#section.querySelector('table'));
  #empty = /** @type {HTMLElement} */ (this.#section.querySelector('.empty'));
  /** @type {KeyedList<ChannelSnapshot>} */
  #list;

  /** @param {Rates} rates */
  constructor(rates) {
    const body = /** @type {Element} */ (this.#table.querySelector('tbody'));
    this.#list = new KeyedList(
      body,
      (channel) => channel.number,
      () => makeRow(rates),
    );
  }

  /** @param {import('../src/snapshot/types.js').Snapshot} snapshot */
  update({ channels }) {
    show(this.#empty, channels.length === 0);
    show(this.#table, channels.length > 0);
    this.#list.update(channels);
  }
}

/** @param {Rates} rates @returns {import('./dom.js').View<ChannelSnapshot>} */
function makeRow(rates) {
  const name = rowHeader('name');
  const kind = element('span');
  const place = element('span', 'detail');
  name.append(kind, place);
  const cells = [element('td', 'number'), element('td', 'number'), element('td', 'number')];
  const lines = cells.map((cell) => {
    const pair = [element('span'), element('small')];
    cell.append(...pair);
    return pair;
  });
  const set = (/** @type {number} */ index, /** @type {string[]} */ texts) => {
    for (const [line, text] of texts.entries()) setText(/** @type {Element} */ (lines[index]?.[line]), text);
  };
  return {
    node: row(name, ...cells),
    update: (channel) => {
      const rate = (/** @type {keyof ChannelSnapshot} */ count) =>
        rates.of(`channel ${channel.number}`, channel, count);
      const [what, where] = channel.name.split(' made at ');
      setText(kind, what ?? '');
      setText(place, where === undefined ? '' : `made at ${where.replace(/^file:\/\//, '')}`);
      const waits = [
        channel.bytesWaiting > 0 ? bytes(channel.bytesWaiting) : 'nothing',
        channel.getsWaiting > 0 ? counted(channel.getsWaiting, 'get() waits', 'get()s wait') : '',
      ];
      set(0, sentLines(rate('messagesSent'), rate('bytesSent'), channel.messagesSent));
      set(1, sentLines(rate('messagesReceived'), rate('bytesReceived'), channel.messagesReceived));
      set(2, waits);
    },
  };
}

/**
 * @param {number | undefined} messages
 * @param {number | undefined} size
 * @param {number} total
 */
function sentLines(messages, size, total) {
  if (total === 0) return ['–', ''];
  return [`${number(messages)}/s`, `${bytes(size)}/s; ${number(total)} in all`];
}
