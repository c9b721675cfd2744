import Table from 'cli-table3';
import { type Comparison, type RowResult, type SideResult } from './compare.js';
import { type Measure } from './part.js';

const marks = { met: 'met', missed: 'MISSED', unclear: '? too wide', 'no goal': '' };

/** For people: a line for each peer of each row. */
export function partTable(title: string, rows: readonly RowResult[]): string {
  const table = new Table({
    head: ['', 'ours', 'against', 'theirs', 'ratio', 'quartiles', 'goal', ''],
    colAligns: ['left', 'right', 'left', 'right', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(...rowLines(row));
  return `${title}\n${table.toString()}`;
}

function rowLines({ row, measure, sides, comparisons, failures }: RowResult): string[][] {
  const figure = (name: string) => sides.find((side) => side.name === name);
  const own = figure(sides[0]?.name ?? '');
  const lines = comparisons.map((comparison) => [
    formatFigure(measure, own),
    comparison.peer,
    formatFigure(measure, figure(comparison.peer)),
    ...comparisonCells(measure, comparison),
  ]);
  lines.push(...failures.map(({ side, reason }) => ['', side, '', '', '', '', `failed: ${reason}`]));
  // Only the first line of a row names it.
  return lines.map((cells, index) => (index === 0 ? [row, ...cells] : ['', '', ...cells.slice(1)]));
}

function comparisonCells({ kind }: Measure, { ratio, quartiles, goal, verdict }: Comparison): string[] {
  const sign = kind === 'speed' ? '≥' : '≤';
  return [
    `${ratio.toFixed(2)}x`,
    quartiles.map((quartile) => quartile.toFixed(2)).join('–'),
    goal === undefined ? '' : `${sign} ${goal.toFixed(2)}x`,
    marks[verdict],
  ];
}

function formatFigure(measure: Measure, side: SideResult | undefined): string {
  if (side === undefined) return '';
  if (measure.kind === 'speed') return `${(measure.bytesPerUnit / 1e6 / side.secondsPerUnit).toFixed(0)} MB/s`;
  return `${(side.secondsPerUnit * 1e6).toFixed(1)} us`;
}
