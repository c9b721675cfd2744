import { createHash } from 'node:crypto';
import { pipeline, type StageOptions } from '@aiopipe/subprocess';
import { type FileReport } from './file-report.js';
import { isPortable } from './pattern.js';
import { type Counts, type Totals } from './totals.js';

/** What coreutils and grep say of the same files. */
export interface Verification {
  /** The figures that differ, as `lines: 5 here, 6 by coreutils`; empty where all agree. */
  readonly mismatches: readonly string[];
  /** Whether the matches could be compared: not for a pattern that means something else to grep. */
  readonly patternIsVerified: boolean;
}

/** Counts exactly the files of the reports again, by chains of other programs. */
export async function verify(totals: Totals, directory: string, pattern: string): Promise<Verification> {
  const { reports } = totals;
  const portable = isPortable(pattern);
  const [size, matches, digest] = await Promise.all([
    countSize(reports, directory),
    portable ? countMatches(reports, directory, pattern) : undefined,
    digestOfDigests(reports, directory),
  ]);
  const expected: Partial<Counts> = { ...size, ...matches };
  const mismatches = Object.entries(expected)
    .filter(([figure, count]) => totals.all[figure as keyof Counts] !== count)
    .map(([figure, count]) => `${figure}: ${String(totals.all[figure as keyof Counts])} here, ${String(count)} by coreutils`);
  const ours = digestOf(reports);
  if (ours !== digest) mismatches.push(`sha1 of all sha1 sums: ${ours} here, ${digest} by coreutils`);
  return { mismatches, patternIsVerified: portable };
}

/** A program that gets the files' names as arguments, as many at a time as fit. */
function withNames(directory: string, ...argv: readonly string[]): StageOptions {
  return { argv: ['xargs', '-0', '-r', ...argv], cwd: directory, env: { ...process.env, LC_ALL: 'C' } };
}

async function countSize(reports: readonly FileReport[], directory: string): Promise<Pick<Counts, 'lines' | 'bytes'>> {
  const { stdout } = await pipeline(withNames(directory, 'cat', '--'), ['wc', '-lc']).run({ input: names(reports) });
  const [lines, bytes] = stdout.trim().split(/\s+/).map(Number);
  return { lines: lines ?? NaN, bytes: bytes ?? NaN };
}

/** grep prints a count for each file, so they are files as well as matches. */
async function countMatches(
  reports: readonly FileReport[],
  directory: string,
  pattern: string,
): Promise<Pick<Counts, 'files' | 'matches'>> {
  // xargs says 123 where a grep said 1: that none of its files has a match.
  const grep = { ...withNames(directory, 'grep', '-Eaich', '-e', pattern, '--'), allowFail: [123] };
  const counts = { files: 0, matches: 0 };
  for await (const line of pipeline(grep).lines({ input: names(reports) })) {
    counts.files++;
    counts.matches += Number(line);
  }
  return counts;
}

/** Records end with NUL, so that no name needs to be escaped. */
async function digestOfDigests(reports: readonly FileReport[], directory: string): Promise<string> {
  const { stdout } = await pipeline(
    withNames(directory, 'sha1sum', '-z', '--'),
    { argv: ['sort', '-z'], env: { ...process.env, LC_ALL: 'C' } },
    ['sha1sum'],
  ).run({ input: names(reports) });
  return stdout.slice(0, 40);
}

function digestOf(reports: readonly FileReport[]): string {
  const hash = createHash('sha1');
  for (const record of reports.map(({ sha1, path }) => `${sha1}  ${path}\0`).sort()) hash.update(record, 'latin1');
  return hash.digest('hex');
}

function* names(reports: readonly FileReport[]): Generator<Buffer, void, undefined> {
  for (let start = 0; start < reports.length; start += 1000) {
    const some = reports.slice(start, start + 1000).map(({ path }) => `${path}\0`);
    yield Buffer.from(some.join(''), 'latin1');
  }
}
