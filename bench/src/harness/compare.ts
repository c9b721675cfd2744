import { median, quantile } from 'simple-statistics';
import { type RowSamples, type SideSamples } from './measure.js';
import { type CurvePoint, type Measure, type Peer, type Row } from './part.js';

/** More than this between the quartiles, as a share of the median, and a ratio tells little. */
const WIDE = 0.25;

/**
 * `unclear`: the ratios scatter so widely that the goal lies between their quartiles; without a goal, that they are
 * simply far apart.
 */
export type Verdict = 'met' | 'missed' | 'unclear' | 'no goal';

/** Ours against one peer: the ratios of the rounds. */
export interface Comparison {
  readonly peer: string;
  readonly goal?: number | undefined;
  readonly ratio: number;
  /** The first and the third quartile. */
  readonly quartiles: readonly [number, number];
  readonly verdict: Verdict;
}

export interface SideResult {
  readonly name: string;
  /** The median: seconds of one unit of the row's work, or what the measure says. */
  readonly figure: number;
  /** Of every round, for the whole amount. */
  readonly values: readonly number[];
}

export interface RowResult {
  readonly row: string;
  readonly measure: Measure;
  readonly at?: CurvePoint | undefined;
  /** Units of work in one round. */
  readonly amount: number;
  readonly sides: readonly SideResult[];
  readonly comparisons: readonly Comparison[];
  /** Sides that could not run, and why. */
  readonly failures: readonly { readonly side: string; readonly reason: string }[];
}

/** Whether its ratios say how many times as fast ours is, and not how much of the peer's time or memory it takes. */
export const isMoreBetter = (kind: Measure['kind']): boolean => kind === 'speed' || kind === 'rate';

const isPerUnit = ({ kind }: Measure): boolean => kind !== 'stall' && kind !== 'memory';

export function compareRow(row: Row, { amount, sides }: RowSamples): RowResult {
  const ran = sides.filter(({ failure }) => failure === undefined);
  const ours = ran.find(({ side }) => side === row.ours);
  return {
    row: row.name,
    measure: row.measure,
    at: row.at,
    amount,
    sides: ran.map(({ side, values }) => ({
      name: side.name,
      figure: isPerUnit(row.measure) ? median(values) / amount : median(values),
      values,
    })),
    comparisons:
      ours === undefined
        ? []
        : ran.filter((samples) => samples !== ours).map((samples) => compare(row.measure, ours, samples)),
    failures: sides.flatMap(({ side, failure }) =>
      failure === undefined ? [] : [{ side: side.name, reason: failure }],
    ),
  };
}

function compare({ kind }: Measure, ours: SideSamples, theirs: SideSamples): Comparison {
  const ratios = ours.values.map((own, round) => {
    const other = theirs.values[round] as number;
    return isMoreBetter(kind) ? other / own : own / other;
  });
  const ratio = median(ratios);
  const quartiles = quantile(ratios, [0.25, 0.75]) as [number, number];
  const { name: peer, goal } = theirs.side as Peer;
  return { peer, goal, ratio, quartiles, verdict: judge(kind, goal, ratio, quartiles) };
}

function judge(
  kind: Measure['kind'],
  goal: number | undefined,
  ratio: number,
  [low, high]: readonly [number, number],
): Verdict {
  if (goal === undefined) return (high - low) / ratio > WIDE ? 'unclear' : 'no goal';
  if (low < goal && goal < high) return 'unclear';
  return (isMoreBetter(kind) ? ratio >= goal : ratio <= goal) ? 'met' : 'missed';
}
