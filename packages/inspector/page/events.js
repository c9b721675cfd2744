// What has happened: the failures, each with its reason, and the last 1,000 events.
import { element, find, KeyedList, row, setClass, setText, show } from './dom.js';
import { clock, counted } from './format.js';

/** @typedef {import('../src/log/event-log.js').LoggedEvent} LoggedEvent */

const MOST_EVENTS = 1000;
const MOST_FAILURES = 100;
/** Failures that are shown before the user asks for all. */
const FIRST_FAILURES = 10;

export class Events {
  /** The newest first. @type {LoggedEvent[]} */
  #events = [];
  /** @type {LoggedEvent[]} */
  #failures = [];
  #showsAll = false;
  #failureSection = find('#failures');
  #eventSection = find('#events');
  #find = /** @type {HTMLInputElement} */ (find('#find'));
  #onlyFailures = /** @type {HTMLInputElement} */ (find('#only-failures'));
  #more = /** @type {HTMLElement} */ (this.#failureSection.querySelector('.more'));
  /** @type {KeyedList<LoggedEvent>} */
  #failureList;
  /** @type {KeyedList<LoggedEvent>} */
  #eventList;

  constructor() {
    const list = /** @type {Element} */ (this.#failureSection.querySelector('.failures'));
    const body = /** @type {Element} */ (this.#eventSection.querySelector('tbody'));
    this.#failureList = new KeyedList(list, (event) => event.number, makeFailure);
    this.#eventList = new KeyedList(body, (event) => event.number, makeRow);
    this.#find.addEventListener('input', () => this.#renderEvents());
    this.#onlyFailures.addEventListener('change', () => this.#renderEvents());
    this.#more.addEventListener('click', () => {
      this.#showsAll = !this.#showsAll;
      this.#renderFailures();
    });
  }

  get counts() {
    return { events: this.#events.length, failures: this.#failures.length };
  }

  /** @param {readonly LoggedEvent[]} events - the oldest first */
  add(events) {
    if (events.length === 0) return;
    const replaced = new Set(events.map((event) => event.replaces));
    const merge = (/** @type {LoggedEvent[]} */ old, /** @type {LoggedEvent[]} */ fresh, /** @type {number} */ most) =>
      [...fresh.toReversed(), ...old.filter(({ number }) => !replaced.has(number))].slice(0, most);
    this.#events = merge(this.#events, [...events], MOST_EVENTS);
    const failures = events.filter(({ isFailure }) => isFailure);
    this.#failures = merge(this.#failures, failures, MOST_FAILURES);
    const last = failures.at(-1);
    if (last !== undefined) setText(find('#last-failure'), `${last.who} ${last.what}`);
    this.#renderFailures();
    this.#renderEvents();
  }

  #renderFailures() {
    const { length } = this.#failures;
    const empty = /** @type {HTMLElement} */ (this.#failureSection.querySelector('.empty'));
    show(empty, length === 0);
    show(this.#more, length > FIRST_FAILURES);
    setText(
      this.#more,
      this.#showsAll ? `Show the last ${FIRST_FAILURES} alone` : `Show all ${counted(length, 'failure')}`,
    );
    this.#failureList.update(this.#showsAll ? this.#failures : this.#failures.slice(0, FIRST_FAILURES));
  }

  #renderEvents() {
    const isEmpty = this.#events.length === 0;
    const find = (/** @type {string} */ selector) =>
      /** @type {HTMLElement} */ (this.#eventSection.querySelector(selector));
    show(find('.empty'), isEmpty);
    show(find('.filters'), !isEmpty);
    show(find('table'), !isEmpty);
    const words = this.#find.value.toLowerCase();
    const isWanted = (/** @type {LoggedEvent} */ event) =>
      (event.isFailure || !this.#onlyFailures.checked) &&
      (words === '' || `${subject(event)} ${sentence(event)}`.toLowerCase().includes(words));
    this.#eventList.update(this.#events.filter(isWanted));
  }
}

/** @param {LoggedEvent} event */
function subject({ who, of, pid }) {
  return [who, of && `of ${of}`, pid && `(pid ${pid})`].filter(Boolean).join(' ');
}

/** @param {LoggedEvent} event */
function sentence({ what, doing, next }) {
  return [what, doing && `it ${doing}`, next && `it ${next}`].filter(Boolean).join('; ');
}

/** @param {LoggedEvent} event @returns {import('./dom.js').View<LoggedEvent>} */
function makeRow(event) {
  const node = row(
    element('td', 'number', clock(event.time)),
    element('td', '', subject(event)),
    element('td', 'what', sentence(event)),
  );
  setClass(node, event.isFailure ? 'failure' : '');
  return { node, update: () => undefined };
}

/** @param {LoggedEvent} event @returns {import('./dom.js').View<LoggedEvent>} */
function makeFailure(event) {
  const time = element('time', '', clock(event.time));
  time.dateTime = new Date(event.time).toISOString();
  const of = event.of === undefined ? '' : ` of ${event.of}`;
  const pid = event.pid === undefined ? '' : ` (pid ${event.pid})`;
  const node = element(
    'li',
    '',
    element('p', '', time, ' ', element('strong', '', event.who), `${of}${pid}`),
    element('p', 'why', `It ${event.what}.`),
  );
  const details = element('dl');
  if (event.doing !== undefined)
    details.append(element('dt', '', 'What it was doing'), element('dd', '', `It ${event.doing}.`));
  if (event.next !== undefined)
    details.append(element('dt', '', 'What follows'), element('dd', '', `It ${event.next}.`));
  node.append(details);
  return { node, update: () => undefined };
}
