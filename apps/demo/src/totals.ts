import { type FileReport } from './file-report.js';

export interface Counts {
  files: number;
  lines: number;
  bytes: number;
  matches: number;
}

/** Files with the same content. */
export interface DuplicateGroup {
  readonly sha1: string;
  /** The size of one of them. */
  readonly bytes: number;
  /** The size of all but one of them. */
  readonly wastedBytes: number;
  readonly paths: readonly string[];
}

/** The sums of all reports. Their order makes no difference. */
export class Totals {
  readonly #reports: FileReport[] = [];
  readonly all: Counts = noCounts();

  add(report: FileReport): void {
    this.#reports.push(report);
    addTo(this.all, report);
  }

  /** Sorted by the bytes of their paths. */
  get reports(): readonly FileReport[] {
    return this.#reports.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Per extension, the most bytes first. */
  byExtension(): (Counts & { extension: string })[] {
    const groups = new Map<string, Counts>();
    for (const report of this.#reports) {
      let counts = groups.get(report.extension);
      if (counts === undefined) groups.set(report.extension, (counts = noCounts()));
      addTo(counts, report);
    }
    return [...groups]
      .map(([extension, counts]) => ({ extension, ...counts }))
      .sort((a, b) => b.bytes - a.bytes || (a.extension < b.extension ? -1 : 1));
  }

  /** Groups of identical files, the most wasted bytes first. */
  duplicates(): DuplicateGroup[] {
    const groups = new Map<string, FileReport[]>();
    for (const report of this.reports) {
      const group = groups.get(report.sha1);
      if (group === undefined) groups.set(report.sha1, [report]);
      else group.push(report);
    }
    return [...groups.values()]
      .map((group) => duplicateGroup(group))
      .filter(({ wastedBytes }) => wastedBytes > 0)
      .sort((a, b) => b.wastedBytes - a.wastedBytes || (a.sha1 < b.sha1 ? -1 : 1));
  }
}

function duplicateGroup(reports: readonly FileReport[]): DuplicateGroup {
  const { sha1 = '', bytes = 0 } = reports[0] ?? {};
  return { sha1, bytes, wastedBytes: bytes * (reports.length - 1), paths: reports.map(({ path }) => path) };
}

const noCounts = (): Counts => ({ files: 0, lines: 0, bytes: 0, matches: 0 });

function addTo(counts: Counts, { lines, bytes, matches }: FileReport): void {
  counts.files++;
  counts.lines += lines;
  counts.bytes += bytes;
  counts.matches += matches;
}
