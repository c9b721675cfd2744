import { createHash } from 'node:crypto';
import { pipeline, type StageOptions } from '@aiopipe/subprocess';
import { type FileReport } from './file-report.js';
import { isPortable } from './pattern.js';
import { type Counts, type Totals } from './totals.js';
import { unlessKilled } from './unless-killed.js';

/** How coreutils and grep count the same files. */
export interface Verification {
  /** The figures that differ, as `lines: 5 here, 6 by coreutils`; empty if all agree. */
  readonly mismatches: readonly string[];
  /** Whether the matches could be compared. A pattern may mean something else to grep. */
  readonly patternIsVerified: boolean;
  /** Messages about files that they could not read. */
  readonly complaints: readonly string[];
}

/** The directory of the files, and the signal that ends the programs. */
interface Place {
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** Counts exactly the files of the reports again, by chains of other programs. */
export async function verify(totals: Totals, pattern: string, place: Place): Promise<Verification> {
  const { reports } = totals;
  const portable = isPortable(pattern);
  const [{ complaints, ...size }, matches, digest] = await Promise.all([
    unlessKilled(() => countSize(reports, place)),
    portable ? unlessKilled(() => countMatches(reports, pattern, place)) : undefined,
    unlessKilled(() => digestOfDigests(reports, place)),
  ]);
  const expected: Partial<Counts> = { ...size, ...matches };
  const mismatches = Object.entries(expected)
    .filter(([figure, count]) => totals.all[figure as keyof Counts] !== count)
    .map(
      ([figure, count]) =>
        `${figure}: ${String(totals.all[figure as keyof Counts])} here, ${String(count)} by coreutils`,
    );
  const ours = digestOf(reports);
  if (ours !== digest) mismatches.push(`sha1 of all sha1 sums: ${ours} here, ${digest} by coreutils`);
  return { mismatches, patternIsVerified: portable, complaints };
}

/** A program that gets the files' names as arguments, as many as fit at a time. */
function withNames({ directory }: Place, ...argv: readonly string[]): StageOptions {
  return {
    argv: ['xargs', '-0', '-r', ...argv],
    cwd: directory,
    env: { ...process.env, LC_ALL: 'C' },
    // 123: one of the programs failed. A file has vanished, which the figures show; or nothing matched for grep.
    allowFail: [123],
  };
}

async function countSize(
  reports: readonly FileReport[],
  place: Place,
): Promise<Pick<Counts, 'lines' | 'bytes'> & { complaints: string[] }> {
  const { stdout, stderr } = await pipeline(withNames(place, 'cat', '--'), ['wc', '-lc']).run({
    input: names(reports),
    signal: place.signal,
  });
  const [lines = NaN, bytes = NaN] = stdout.trim().split(/\s+/).map(Number);
  return { lines, bytes, complaints: stderr.split('\n').filter((line) => line !== '') };
}

/** grep prints one count for each file, so the lines are counted as files. */
async function countMatches(
  reports: readonly FileReport[],
  pattern: string,
  place: Place,
): Promise<Pick<Counts, 'files' | 'matches'>> {
  const chain = pipeline(withNames(place, 'grep', '-Eaich', '-e', pattern, '--'));
  const counts = { files: 0, matches: 0 };
  for await (const line of chain.lines({ input: names(reports), signal: place.signal })) {
    counts.files++;
    counts.matches += Number(line);
  }
  return counts;
}

/** Records end with NUL, so that no name needs to be escaped. */
async function digestOfDigests(reports: readonly FileReport[], place: Place): Promise<string> {
  const { stdout } = await pipeline(
    withNames(place, 'sha1sum', '-z', '--'),
    { argv: ['sort', '-z'], env: { ...process.env, LC_ALL: 'C' } },
    ['sha1sum'],
  ).run({ input: names(reports), signal: place.signal });
  return stdout.slice(0, 40);
}

function digestOf(reports: readonly FileReport[]): string {
  const hash = createHash('sha1');
  for (const record of reports.map((report) => `${report.sha1}  ${nameOf(report)}\0`).sort())
    hash.update(record, 'latin1');
  return hash.digest('hex');
}

/** Each of the programs would take a bare `-` for stdin. */
function nameOf({ path }: FileReport): string {
  return `./${path}`;
}

function* names(reports: readonly FileReport[]): Generator<Buffer, void, undefined> {
  for (let start = 0; start < reports.length; start += 1000) {
    const some = reports.slice(start, start + 1000).map((report) => `${nameOf(report)}\0`);
    yield Buffer.from(some.join(''), 'latin1');
  }
}
