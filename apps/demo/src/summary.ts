import Table from 'cli-table3';
import prettyBytes from 'pretty-bytes';
import { displayName } from './display-name.js';
import { type Counts, type DuplicateGroup, type Totals } from './totals.js';
import { type Verification } from './verify.js';

const SHOWN_EXTENSIONS = 15;
const SHOWN_GROUPS = 5;
const SHOWN_PATHS = 3;

/** A file that was listed and not counted. */
export interface Skipped {
  readonly path: string;
  readonly reason: string;
}

/** All that a census has found. */
export interface Findings {
  readonly directory: string;
  readonly pattern: string;
  readonly totals: Totals;
  readonly skipped: readonly Skipped[];
  /** What `find` said of directories that it could not look into. */
  readonly unreadable: readonly string[];
  readonly workers: number;
  readonly restarts: number;
  readonly kills: number;
  readonly seconds: number;
}

/** For people. */
export function formatSummary(findings: Findings): string {
  const { totals, seconds, workers, restarts, kills } = findings;
  const killed = kills > 0 ? ` (${String(kills)} killed on purpose)` : '';
  return [
    extensionTable(totals),
    ...duplicateLines(totals.duplicates()),
    ...skippedLines(findings),
    `${String(workers)} workers, ${count(restarts, 'restart')}${killed}; ` +
      `${(totals.all.files / seconds).toFixed(0)} files/s, ${(totals.all.bytes / 1e6 / seconds).toFixed(1)} MB/s`,
  ].join('\n');
}

function extensionTable(totals: Totals): string {
  const table = new Table({
    head: ['extension', 'files', 'lines', 'bytes', 'matches'],
    colAligns: ['left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  const rows = totals.byExtension();
  const rest = rows.slice(SHOWN_EXTENSIONS);
  for (const row of rows.slice(0, SHOWN_EXTENSIONS)) table.push(tableRow(displayName(row.extension) || '(none)', row));
  if (rest.length > 0) table.push(tableRow(count(rest.length, 'other'), sum(rest)));
  table.push(tableRow('all', totals.all));
  return table.toString();
}

function tableRow(name: string, { files, lines, bytes, matches }: Counts): string[] {
  return [name, ...[files, lines, bytes, matches].map((figure) => figure.toLocaleString('en'))];
}

function sum(rows: readonly Counts[]): Counts {
  const add = (figure: keyof Counts) => rows.reduce((total, row) => total + row[figure], 0);
  return { files: add('files'), lines: add('lines'), bytes: add('bytes'), matches: add('matches') };
}

function duplicateLines(groups: readonly DuplicateGroup[]): string[] {
  if (groups.length === 0) return ['no identical files'];
  const wasted = groups.reduce((total, group) => total + group.wastedBytes, 0);
  const heading = `${count(groups.length, 'group')} of identical files waste ${prettyBytes(wasted)}; the largest:`;
  return [heading, ...groups.slice(0, SHOWN_GROUPS).flatMap(groupLines)];
}

function groupLines({ bytes, wastedBytes, paths }: DuplicateGroup): string[] {
  const more = paths.length - SHOWN_PATHS;
  return [
    `  ${prettyBytes(wastedBytes)} wasted: ${String(paths.length)} files of ${prettyBytes(bytes)}`,
    ...paths.slice(0, SHOWN_PATHS).map((path) => `    ${displayName(path)}`),
    ...(more > 0 ? [`    and ${String(more)} more`] : []),
  ];
}

function skippedLines({ skipped, unreadable }: Findings): string[] {
  const reasons = new Map<string, number>();
  for (const { reason } of skipped) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const lines = [...reasons].map(([reason, times]) => `skipped ${count(times, 'file')}: ${reason}`);
  return unreadable.length === 0 ? lines : [...lines, ...unreadable.map((line) => `skipped: ${displayName(line)}`)];
}

const count = (number: number, noun: string): string => `${String(number)} ${noun}${number === 1 ? '' : 's'}`;

/** The last line: what was compared, or what differs. */
export function formatVerdict({ totals }: Findings, { mismatches, patternIsVerified }: Verification): string {
  if (mismatches.length > 0) return `MISMATCH with coreutils: ${mismatches.join('; ')}`;
  const { files, lines, bytes, matches } = totals.all;
  const last = patternIsVerified ? `${String(matches)} matches` : 'pattern not verifiable';
  return `verified against coreutils: ${String(files)} files, ${String(lines)} lines, ${String(bytes)} bytes, ${last}`;
}

/** For programs. Names that are no UTF-8 are escaped as for people. */
export function formatJson(findings: Findings, verification: Verification): string {
  const { totals, seconds, skipped, ...rest } = findings;
  const document = {
    ...rest,
    ...totals.all,
    extensions: totals.byExtension(),
    duplicates: totals.duplicates().map((group) => ({ ...group, paths: group.paths.map(displayName) })),
    skipped: skipped.map(({ path, reason }) => ({ path: displayName(path), reason })),
    seconds,
    filesPerSecond: totals.all.files / seconds,
    megabytesPerSecond: totals.all.bytes / 1e6 / seconds,
    verified: verification.mismatches.length === 0,
    patternVerified: verification.patternIsVerified && verification.mismatches.length === 0,
    mismatches: verification.mismatches,
  };
  return JSON.stringify(document, undefined, 2);
}
