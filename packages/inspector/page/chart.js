// A small chart of the last two minutes, by uPlot.
import { element, setText } from './dom.js';

const SAMPLES = 120;
const HEIGHT = 110;
/** Seconds that the axis shows at least: one sample alone would have an axis of years. */
const LEAST_SECONDS = 10;

/** @type {any} */
const { uPlot } = /** @type {any} */ (window);

const scheme = matchMedia('(prefers-color-scheme: dark)');

export class Chart {
  /** @type {number[]} */
  #times = [];
  /** @type {(number | null)[][]} */
  #values;
  #series;
  #format;
  #plotPlace = element('div', 'plot');
  #labels;
  /** @type {any} */
  #plot;
  node;

  /**
   * @param {string} title
   * @param {readonly string[]} series - one or two
   * @param {(value: number) => string} format
   */
  constructor(title, series, format) {
    this.#series = series;
    this.#format = format;
    this.#values = series.map(() => []);
    this.#labels = series.map(() => element('span'));
    const caption = element('figcaption', '', element('strong', '', title), ...this.#labels);
    this.node = element('figure', '', caption, this.#plotPlace);
    // The caption has the values.
    this.#plotPlace.setAttribute('aria-hidden', 'true');
    new ResizeObserver(() => this.#resize()).observe(this.#plotPlace);
    scheme.addEventListener('change', () => this.#remake());
  }

  /**
   * @param {number} time
   * @param {readonly (number | undefined)[]} values
   */
  add(time, values) {
    this.#times.push(time / 1000);
    if (this.#times.length > SAMPLES) this.#times.shift();
    for (const [index, list] of this.#values.entries()) {
      const value = values[index];
      list.push(value ?? null);
      if (list.length > SAMPLES) list.shift();
      const shown = value === undefined ? '–' : this.#format(value);
      setText(/** @type {Element} */ (this.#labels[index]), `${this.#series[index]} ${shown}`);
    }
    this.#plot?.setData(this.#data);
  }

  get #data() {
    return [this.#times, ...this.#values];
  }

  #resize() {
    const width = this.#plotPlace.clientWidth;
    if (width === 0) return;
    if (this.#plot === undefined) this.#make(width);
    else if (this.#plot.width !== width) this.#plot.setSize({ width, height: HEIGHT });
  }

  /** Rounded values may be equal: one label of them is enough. @param {number[]} splits */
  #yLabels(splits) {
    const labels = splits.map(this.#format);
    return labels.map((label, index) => (label === labels[index - 1] ? '' : label));
  }

  /** Another colour scheme has other colours. */
  #remake() {
    this.#plot?.destroy();
    this.#plot = undefined;
    this.#resize();
  }

  /** @param {number} width */
  #make(width) {
    const style = getComputedStyle(document.documentElement);
    const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--quiet'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    };
    const options = {
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: {
          range: (/** @type {any} */ _, /** @type {number} */ min, /** @type {number} */ max) => [
            Math.min(min, max - LEAST_SECONDS),
            max,
          ],
        },
        y: {
          range: (/** @type {any} */ _, /** @type {any} */ _min, /** @type {any} */ max) => [
            0,
            max > 0 ? max * 1.1 : 1,
          ],
        },
      },
      axes: [
        { ...axis, size: 20, space: 80 },
        {
          ...axis,
          size: 62,
          space: 30,
          values: (/** @type {any} */ _, /** @type {number[]} */ splits) => this.#yLabels(splits),
        },
      ],
      series: [
        {},
        ...this.#series.map((_, index) => ({
          stroke: colour(`--series-${index + 1}`),
          width: 1.5,
          points: { show: false },
        })),
      ],
    };
    this.#plot = new uPlot(options, this.#data, this.#plotPlace);
  }
}
