import { aiopipe, type ReadEnd } from '@aiopipe/core';
import { pipeline } from '@aiopipe/subprocess';

/**
 * The files below a directory, in the order of their bytes, as `find` and `sort` find them: streamed, and relative to the
 * directory. Links are not followed. One character for each byte of a name.
 *
 * @param onUnreadable - told what `find` says of a directory that it can't look into
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
