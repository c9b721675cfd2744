import { type ChartSpec } from './chart-spec.js';
import { isMoreBetter, type Comparison, type RowResult } from './compare.js';

const WIDTH = 460;
/** In pixels: of a bar, of the room between two, and of that between two rows. */
const BAR = 9;
const BAR_GAP = 1;
const ROW_GAP = 8;

const TICKS = [0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000];
const AXIS_TITLE = 'how many times as fast aiopipe is (or: as small, as short a stall); left of 1 it is behind';

/**
 * A bar from 1 for each peer of each row: to the right if ours is better. The quartiles are a thin line on it, and
 * a text beside it repeats the verdict for readers who cannot tell the colours apart.
 */
export function barSpec(rows: readonly RowResult[]): ChartSpec {
  const { bars, labels, height } = layOut(rows);
  const x = {
    type: 'quantitative' as const,
    scale: { type: 'log' as const, nice: false, padding: 10 },
    axis: { values: TICKS, format: '~r', title: AXIS_TITLE, orient: 'top' as const },
  };
  // Laid out here, in pixels: rows differ in how many peers they have.
  const y = (field: string) => ({ field, type: 'quantitative' as const, scale: null, axis: null });
  const drawn = { data: { values: bars }, transform: [{ filter: 'isValid(datum.gain)' }] };
  return {
    width: WIDTH,
    height,
    layer: [
      {
        ...drawn,
        mark: 'rect',
        encoding: {
          x: { ...x, field: 'gain' },
          x2: { datum: 1 },
          y: y('top'),
          y2: { field: 'bottom' },
          color: { field: 'peer', type: 'nominal', sort: null },
        },
      },
      {
        ...drawn,
        mark: { type: 'rule', color: 'currentColor', opacity: 0.7 },
        encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y: y('middle') },
      },
      {
        data: { values: bars },
        mark: { type: 'text', align: 'left', fontSize: BAR },
        encoding: { x: { value: WIDTH + 8 }, y: y('middle'), text: { field: 'label' } },
      },
      {
        data: { values: labels },
        mark: { type: 'text', align: 'right' },
        encoding: { x: { value: -8 }, y: y('middle'), text: { field: 'row' } },
      },
      {
        data: { values: [{}] },
        mark: { type: 'rule', color: 'currentColor' },
        encoding: { x: { ...x, datum: 1 }, y: { value: 0 }, y2: { value: height } },
      },
    ],
  };
}

function layOut(rows: readonly RowResult[]) {
  const bars: object[] = [];
  const labels: object[] = [];
  let top = ROW_GAP;
  for (const { row, measure, comparisons, failures } of rows) {
    const start = top;
    const contents = [
      ...comparisons.map((comparison) => {
        const { peer } = comparison;
        const { gain, low, high } = gains(measure.kind, comparison);
        return { peer, gain, low, high, label: `${gain.toFixed(2)}x ${peer}` };
      }),
      ...failures.map(({ side }) => ({ label: `${side} failed` })),
    ];
    for (const content of contents) {
      bars.push({ ...content, top, bottom: top + BAR, middle: top + BAR / 2 });
      top += BAR + BAR_GAP;
    }
    labels.push({ row, middle: (start + top - BAR_GAP) / 2 });
    top += ROW_GAP - BAR_GAP;
  }
  return { bars, labels, height: top };
}

/** The ratio as that of a speed, for every kind of measure: more than 1 is better. */
function gains(kind: Parameters<typeof isMoreBetter>[0], { ratio, quartiles: [low, high] }: Comparison) {
  return isMoreBetter(kind) ? { gain: ratio, low, high } : { gain: 1 / ratio, low: 1 / high, high: 1 / low };
}
