import Table from 'cli-table3';
import prettyBytes from 'pretty-bytes';
import { count } from './count.js';
import { displayName, displayText } from './display-name.js';
import { type Counts, type DuplicateGroup, type Totals } from './totals.js';
import { type Verification } from './verify.js';

const SHOWN_EXTENSIONS = 15;
const SHOWN_GROUPS = 5;
const SHOWN_PATHS = 3;
const SHOWN_COMPLAINTS = 5;
const EXTENSION_WIDTH = 24;

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
  /** The lines of `find` about directories that it could not read. */
  readonly unreadable: readonly string[];
  readonly workers: number;
  /** The machines, and how many files each has counted. Without machines, there are none. */
  readonly shares: readonly { readonly name: string; readonly files: number }[];
  /** Workers that were to be killed, and that were. */
  readonly chaos: number;
  readonly kills: number;
  readonly restarts: number;
  readonly seconds: number;
}

/** For people. */
export function formatSummary(findings: Findings): string {
  const { totals, seconds, workers, shares, restarts, chaos, kills } = findings;
  const killed = chaos > 0 ? ` (${String(kills)} killed on purpose)` : '';
  return [
    extensionTable(totals),
    ...duplicateLines(totals.duplicates()),
    ...skippedLines(findings),
    ...shares.map(({ name, files }) => `${name} counted ${count(files, 'file')}`),
    `${shares.length > 0 ? `${count(shares.length, 'machine')} of ` : ''}${count(workers, 'worker')}, ` +
      `${count(restarts, 'restart')}${killed}; ` +
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
  for (const row of rows.slice(0, SHOWN_EXTENSIONS))
    table.push(tableRow(shorten(displayName(row.extension)) || '(none)', row));
  if (rest.length > 0) table.push(tableRow(count(rest.length, 'other'), sum(rest)));
  table.push(tableRow('all', totals.all));
  return table.toString();
}

function shorten(name: string): string {
  return name.length > EXTENSION_WIDTH ? `${name.slice(0, EXTENSION_WIDTH - 1)}…` : name;
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
  return [...lines, ...complaintLines(unreadable)];
}

/** Formats the lines of other programs about files that they could not read. */
function complaintLines(complaints: readonly string[]): string[] {
  const more = complaints.length - SHOWN_COMPLAINTS;
  return [...complaints.slice(0, SHOWN_COMPLAINTS).map(displayText), ...(more > 0 ? [`and ${String(more)} more`] : [])];
}

/** The last line, what was compared or what differs; before it, why. */
export function formatVerdict({ totals }: Findings, verification: Verification): string {
  const { mismatches, patternIsVerified, complaints } = verification;
  if (mismatches.length > 0) {
    return [...complaintLines(complaints), `MISMATCH with coreutils: ${mismatches.join('; ')}`].join('\n');
  }
  const { files, lines, bytes, matches } = totals.all;
  const last = patternIsVerified ? `${String(matches)} matches` : 'pattern not verifiable';
  return `verified against coreutils: ${String(files)} files, ${String(lines)} lines, ${String(bytes)} bytes, ${last}`;
}

/** For programs. Names are escaped as for people, since those that are no UTF-8 have no other place in JSON. */
export function formatJson(findings: Findings, verification: Verification): string {
  const { directory, pattern, totals, skipped, unreadable, workers, shares, chaos, kills, restarts, seconds } =
    findings;
  const { mismatches, patternIsVerified } = verification;
  const document = {
    directory,
    pattern,
    ...totals.all,
    extensions: totals.byExtension().map((row) => ({ ...row, extension: displayName(row.extension) })),
    duplicates: totals.duplicates().map((group) => ({ ...group, paths: group.paths.map(displayName) })),
    skipped: skipped.map(({ path, reason }) => ({ path: displayName(path), reason })),
    unreadable,
    workers,
    machines: shares,
    chaos,
    kills,
    restarts,
    seconds,
    filesPerSecond: totals.all.files / seconds,
    megabytesPerSecond: totals.all.bytes / 1e6 / seconds,
    verified: mismatches.length === 0,
    patternVerified: patternIsVerified && mismatches.length === 0,
    mismatches,
  };
  return JSON.stringify(document, undefined, 2);
}
