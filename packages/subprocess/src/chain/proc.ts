import { readFileSync, statSync } from 'node:fs';
import { type ByteCounts, type FilePosition } from './run.js';

/** What Linux tells about a process in /proc; undefined elsewhere, and if the process is not ours to look at. */

/** Bytes that a process has read and written, through all of its descriptors. */
export function byteCountsOf(pid: number): ByteCounts | undefined {
  try {
    const io = readFileSync(`/proc/${String(pid)}/io`, 'latin1');
    return { bytesRead: numberIn(io, 'rchar'), bytesWritten: numberIn(io, 'wchar') };
  } catch {
    return undefined;
  }
}

/** Where a process is in the regular file that is its stdin. */
export function filePositionOf(pid: number): FilePosition | undefined {
  const directory = `/proc/${String(pid)}`;
  try {
    const file = statSync(`${directory}/fd/0`);
    const position = numberIn(readFileSync(`${directory}/fdinfo/0`, 'latin1'), 'pos');
    return file.isFile() && position !== undefined ? { position, size: file.size } : undefined;
  } catch {
    return undefined;
  }
}

/** `pos:	123` */
function numberIn(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s*(\\d+)$`, 'm').exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
