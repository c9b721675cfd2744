import { parse, View } from 'vega';
import { compile, type Config, type TopLevelSpec } from 'vega-lite';
import { barSpec } from './chart-bars.js';
import { curveSpec } from './chart-curves.js';
import { type Results } from './results.js';

/** Told apart by eyes of every kind, and dark enough for white paper and light enough for black. */
const PALETTE = ['#2f81f7', '#d9730d', '#2f9e5b', '#a371f7', '#e0559a', '#1691a5', '#a97142', '#8b949e'];

const config: Config = {
  background: 'transparent',
  font: 'system-ui, sans-serif',
  range: { category: PALETTE },
  view: { stroke: null },
  axis: {
    labelColor: 'currentColor',
    titleColor: 'currentColor',
    titleFontWeight: 'normal',
    gridColor: 'currentColor',
    gridOpacity: 0.12,
    domain: false,
    ticks: false,
  },
  legend: {
    labelColor: 'currentColor',
    titleColor: 'currentColor',
    orient: 'top',
    title: null,
    columns: 3,
    labelLimit: 0,
  },
  header: { labelColor: 'currentColor', titleColor: 'currentColor', title: null },
  title: { color: 'currentColor', subtitleColor: 'currentColor', anchor: 'start', offset: 12 },
  text: { color: 'currentColor' },
};

/** The style follows the reader's choice of light or dark. It sets its own background, because the page may have only one. */
const STYLE =
  '<style>svg{color:#1f2328;background:#fff}' +
  '@media(prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}}</style>';

/** Of a part: the ratios of its rows as bars, of rows on a curve the figures as lines. No row is left out. */
export async function chart(results: Results): Promise<string> {
  const { machine, rows } = results;
  const bars = rows.filter(({ at }) => at === undefined);
  const curves = rows.filter(({ at }) => at !== undefined);
  const spec: TopLevelSpec = {
    config,
    padding: 12,
    title: {
      text: results.title,
      subtitle: `${String(machine.cores)} cores, ${machine.kernel}, Node ${machine.node}, ${machine.date.slice(0, 10)}`,
    },
    data: { values: [] },
    vconcat: [...(bars.length > 0 ? [barSpec(bars)] : []), ...(curves.length > 0 ? [curveSpec(curves)] : [])],
    resolve: { legend: { color: 'independent' }, scale: { color: 'independent' } },
  };
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return svg.replace(/(<svg[^>]*>)/, `$1${STYLE}`);
}
