// Small helpers: elements are made once, and changed only where they differ.

/**
 * Makes an element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, className = '', ...children) {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}

/** @param {string} selector */
export function find(selector) {
  return /** @type {HTMLElement} */ (document.querySelector(selector));
}

/**
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {Element} node
 * @param {string} className
 */
export function setClass(node, className) {
  if (node.className !== className) node.className = className;
}

/**
 * @param {HTMLElement} node
 * @param {boolean} isShown
 */
export function show(node, isShown) {
  if (node.hidden === isShown) node.hidden = !isShown;
}

/**
 * @template Item
 * @typedef {object} View
 * @property {HTMLElement} node
 * @property {(item: Item) => void} update
 */

/**
 * Keeps the children of an element as a list of items is: one child an item, by its key.
 *
 * @template Item
 */
export class KeyedList {
  /** @type {Map<string | number, View<Item>>} */
  #views = new Map();
  #parent;
  #keyOf;
  #make;

  /**
   * @param {Element} parent
   * @param {(item: Item) => string | number} keyOf
   * @param {(item: Item) => View<Item>} make
   */
  constructor(parent, keyOf, make) {
    this.#parent = parent;
    this.#keyOf = keyOf;
    this.#make = make;
  }

  /** @param {readonly Item[]} items */
  update(items) {
    const gone = new Set(this.#views.keys());
    for (const item of items) gone.delete(this.#keyOf(item));
    for (const key of gone) {
      this.#views.get(key)?.node.remove();
      this.#views.delete(key);
    }
    /** @type {Element | null} */
    let place = this.#parent.firstElementChild;
    for (const item of items) {
      const key = this.#keyOf(item);
      let view = this.#views.get(key);
      if (view === undefined) this.#views.set(key, (view = this.#make(item)));
      view.update(item);
      if (view.node === place) place = place.nextElementSibling;
      else this.#parent.insertBefore(view.node, place);
    }
  }
}

/** Makes the cells of a row. @param {...HTMLElement} cells */
export function row(...cells) {
  return element('tr', '', ...cells);
}

/** Makes the cell that names its row. @param {string} className */
export function rowHeader(className) {
  const cell = element('th', className);
  cell.scope = 'row';
  return cell;
}
