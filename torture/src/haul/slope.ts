/** A straight line through points: how much `y` grows with one `x`, and the standard error of that. */
export interface Slope {
  readonly slope: number;
  readonly error: number;
}

/** Fits a line by least squares. The first fifth of the points is left out: caches fill, and code is compiled. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): Slope {
  const used = points.slice(Math.ceil(points.length / 5));
  const n = used.length;
  if (n < 3) return { slope: NaN, error: NaN };
  const meanX = sum(used, ([x]) => x) / n;
  const meanY = sum(used, ([, y]) => y) / n;
  const spread = sum(used, ([x]) => (x - meanX) ** 2);
  const slope = sum(used, ([x, y]) => (x - meanX) * (y - meanY)) / spread;
  const rest = sum(used, ([x, y]) => (y - meanY - slope * (x - meanX)) ** 2);
  return { slope, error: Math.sqrt(rest / (n - 2) / spread) };
}

const sum = <Item>(items: readonly Item[], of: (item: Item) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
