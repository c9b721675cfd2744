import { type TopLevelSpec } from 'vega-lite';

/** One of several charts that stand together in a picture. */
export type ChartSpec = Extract<TopLevelSpec, { vconcat: unknown }>['vconcat'][number];
