import { type ChartSpec } from './chart-spec.js';
import { type RowResult } from './compare.js';
import { type Measure } from './part.js';

/** A panel for each curve, and in it a line for each side: its own figures, over what grows. */
export function curveSpec(rows: readonly RowResult[]): ChartSpec {
  const curves = [...new Set(rows.map(({ at }) => at?.curve ?? ''))];
  return {
    columns: 2,
    concat: curves.map((curve) =>
      panel(
        curve,
        rows.filter(({ at }) => at?.curve === curve),
      ),
    ),
    spacing: 40,
  };
}

const IN_BINARY =
  "datum.value >= 1048576 ? datum.value / 1048576 + ' Mi' : datum.value >= 1024 ? datum.value / 1024 + ' Ki' : datum.value";

function panel(curve: string, points: readonly RowResult[]): ChartSpec {
  const [{ measure, at } = { measure: { kind: 'memory' } as Measure, at: undefined }] = points;
  const values = points.flatMap(({ at: point, measure: by, sides }) =>
    sides.map(({ name, figure }) => ({ side: name, x: point?.x, y: inUnits(by, figure) })),
  );
  return {
    title: { text: curve, fontSize: 12, fontWeight: 'normal', offset: 8 },
    data: { values },
    width: 300,
    height: 180,
    mark: { type: 'line', point: { size: 30 }, strokeWidth: 2 },
    encoding: {
      x: {
        field: 'x',
        type: 'quantitative',
        scale: { type: 'log', nice: false },
        axis: { title: at?.axis ?? '', values: [...new Set(values.map(({ x }) => x as number))], labelExpr: IN_BINARY },
      },
      y: {
        field: 'y',
        type: 'quantitative',
        scale: { type: 'log' },
        axis: { title: unitOf(measure), format: '~s', tickCount: 4 },
      },
      color: { field: 'side', type: 'nominal', sort: null },
    },
  };
}

function inUnits(measure: Measure, figure: number): number {
  if (measure.kind === 'speed') return measure.bytesPerUnit / figure;
  return measure.kind === 'rate' ? 1 / figure : figure;
}

function unitOf(measure: Measure): string {
  switch (measure.kind) {
    case 'speed':
      return 'bytes a second';
    case 'rate':
      return `${measure.unit} a second`;
    case 'time':
      return `seconds a ${measure.unit}`;
    case 'stall':
      return 'longest stall, seconds';
    case 'memory':
      return 'bytes held';
  }
}
