import { aiopipe, type ReadEnd } from '@aiopipe/core';
import { pipeline } from '@aiopipe/subprocess';

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
  const [complaints, theirComplaints] = aiopipe();
  const chain = pipeline(
    { argv: ['find', '.', '-type', 'f', '-print0'], cwd: directory, stderr: theirComplaints, allowFail: [1] },
    { argv: ['sort', '-z'], env: { ...process.env, LC_ALL: 'C' } },
  );
  const heard = forEachLine(complaints, onUnreadable);
  for await (const path of chain.lines({ separator: '\0', encoding: 'latin1', signal })) yield path.replace('./', '');
  await heard;
}

async function forEachLine(end: ReadEnd, tell: (line: string) => void): Promise<void> {
  await using lines = end.open();
  for await (const line of lines.lines()) tell(line);
}
