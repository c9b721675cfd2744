import Table from 'cli-table3';
import { isMoreBetter, type Comparison, type RowResult, type SideResult } from './compare.js';
import { type Measure } from './part.js';
import { type Results } from './results.js';

const head = ['', 'ours', 'against', 'theirs', 'ratio', 'quartiles', 'goal', ''];
const marks = { met: 'met', missed: 'MISSED', unclear: '? too wide', 'no goal': '' };

/** For people: a line for each peer of each row. */
export function partTable({ title, rows }: Results): string {
  const table = new Table({
    head,
    colAligns: ['left', 'right', 'left', 'right', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows.flatMap(rowLines));
  return `${title}\n${table.toString()}`;
}

/** The same as a table in Markdown. */
export function markdownTable({ rows }: Results): string {
  return markdown([head, ['---', '--:', '---', '--:', '--:', '--:', '--:', '---'], ...rows.flatMap(rowLines)]);
}

/** Our figures and ratios on two Nodes, for the rows that both have, as a table in Markdown. */
export function sideBySideTable(results: Results, others: Results): string {
  const lines = results.rows.flatMap((row) => {
    const other = others.rows.find((candidate) => candidate.row === row.row);
    if (other === undefined) return [];
    const [own, itsOwn] = [row, other].map(({ measure, sides }) => formatFigure(measure, sides[0]));
    return row.comparisons.map((comparison, index) => {
      const its = other.comparisons.find(({ peer }) => peer === comparison.peer);
      const ratios = [comparison, its].map((one) => (one === undefined ? '' : `${one.ratio.toFixed(2)}x`));
      return index === 0
        ? [row.row, comparison.peer, own, ratios[0], itsOwn, ratios[1]]
        : ['', comparison.peer, '', ratios[0], '', ratios[1]];
    });
  });
  const titles = [results, others].flatMap(({ machine }) => [`ours, Node ${machine.node}`, 'ratio']);
  return markdown([['', 'against', ...titles], ['---', '---', '--:', '--:', '--:', '--:'], ...lines]);
}

const markdown = (lines: readonly (readonly (string | undefined)[])[]): string =>
  lines.map((cells) => `| ${cells.map((cell = '') => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');

function rowLines({ row, measure, sides, comparisons, failures }: RowResult): string[][] {
  const figure = (name: string) => sides.find((side) => side.name === name);
  const own = figure(sides[0]?.name ?? '');
  const lines = comparisons.map((comparison) => [
    formatFigure(measure, own),
    comparison.peer,
    formatFigure(measure, figure(comparison.peer)),
    ...comparisonCells(measure, comparison),
  ]);
  if (lines.length === 0) lines.push([formatFigure(measure, own), '', '', '', '', '', '']);
  lines.push(...failures.map(({ side, reason }) => ['', side, '', '', '', '', `failed: ${reason}`]));
  // Only the first line of a row names it.
  return lines.map((cells, index) => (index === 0 ? [row, ...cells] : ['', '', ...cells.slice(1)]));
}

function comparisonCells({ kind }: Measure, { ratio, quartiles, goal, verdict }: Comparison): string[] {
  const sign = isMoreBetter(kind) ? '≥' : '≤';
  return [
    `${ratio.toFixed(2)}x`,
    quartiles.map((quartile) => quartile.toFixed(2)).join('–'),
    goal === undefined ? '' : `${sign} ${goal.toFixed(2)}x`,
    marks[verdict],
  ];
}

function formatFigure(measure: Measure, side: SideResult | undefined): string {
  if (side === undefined) return '';
  const { figure } = side;
  switch (measure.kind) {
    case 'speed':
      return `${(measure.bytesPerUnit / 1e6 / figure).toFixed(0)} MB/s`;
    case 'rate':
      return `${(1 / 1e3 / figure).toFixed(1)} k ${measure.unit}/s`;
    case 'stall':
      return `${(figure * 1e3).toFixed(1)} ms`;
    case 'memory':
      return `${(figure / 1e6).toFixed(0)} MB`;
    case 'time':
      return `${(figure * 1e6).toFixed(1)} us`;
  }
}
