// Names and values side by side.
import { element, KeyedList, setText } from './dom.js';

/** @typedef {readonly [name: string, value: string]} Fact */

export class Facts {
  /** @type {KeyedList<Fact>} */
  #list;

  /** @param {Element} node - a list of descriptions */
  constructor(node) {
    this.#list = new KeyedList(
      node,
      ([name]) => name,
      ([name]) => {
        const value = element('dd');
        return {
          node: element('div', '', element('dt', '', name), value),
          update: ([, text]) => setText(value, text),
        };
      },
    );
  }

  /** @param {readonly Fact[]} facts */
  update(facts) {
    this.#list.update(facts);
  }
}
