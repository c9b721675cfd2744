import { aiopipe, type ReadEnd } from '@aiopipe/core';
import { pipeline } from '@aiopipe/subprocess';
import { unlessKilled } from './unless-killed.js';

/**
 * Yields the files below a directory, relative to it, sorted by their bytes. Links are not followed. A name has one
 * character for each byte.
 *
 * @param onUnreadable - called with each message of `find` about a directory that it cannot read
 */
export async function* listFiles(
  directory: string,
  onUnreadable: (message: string) => void,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  // If `find` is killed, `sort` prints a part of the list before the chain fails. So nothing is yielded until the chain has succeeded.
  const { paths, complaints } = await unlessKilled(() => list(directory, signal));
  for (const complaint of complaints) onUnreadable(complaint);
  yield* paths;
}

async function list(directory: string, signal: AbortSignal): Promise<{ paths: string[]; complaints: string[] }> {
  const [complaintsEnd, theirComplaints] = aiopipe();
  const chain = pipeline(
    { argv: ['find', '.', '-type', 'f', '-print0'], cwd: directory, stderr: theirComplaints, allowFail: [1] },
    { argv: ['sort', '-z'], env: { ...process.env, LC_ALL: 'C' } },
  );
  const complaints = linesOf(complaintsEnd);
  const paths: string[] = [];
  for await (const path of chain.lines({ separator: '\0', encoding: 'latin1', signal })) {
    paths.push(path.replace('./', ''));
  }
  return { paths, complaints: await complaints };
}

async function linesOf(end: ReadEnd): Promise<string[]> {
  await using reader = end.open();
  const lines: string[] = [];
  for await (const line of reader.lines()) lines.push(line);
  return lines;
}
