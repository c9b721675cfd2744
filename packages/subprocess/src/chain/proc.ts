import { readFileSync } from 'node:fs';
import { statPath } from '@aiopipe/core/internal';
import { type ByteCounts, type FilePosition } from './run.js';

/** Figures of a process from /proc of Linux; undefined on other systems, and if the process cannot be read. */

/** Bytes that a process has read and written, through all of its descriptors. */
export function byteCountsOf(pid: number): ByteCounts | undefined {
  try {
    const io = readFileSync(`/proc/${String(pid)}/io`, 'latin1');
    return { bytesRead: numberIn(io, 'rchar'), bytesWritten: numberIn(io, 'wchar') };
  } catch {
    return undefined;
  }
}

/** The position of a process in the regular file that is its stdin. */
export function filePositionOf(pid: number): FilePosition | undefined {
  const directory = `/proc/${String(pid)}`;
  try {
    const file = statPath(`${directory}/fd/0`);
    const position = numberIn(readFileSync(`${directory}/fdinfo/0`, 'latin1'), 'pos');
    return file.isFile() && position !== undefined ? { position, size: Number(file.size) } : undefined;
  } catch {
    return undefined;
  }
}

/** `pos:	123` */
function numberIn(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s*(\\d+)$`, 'm').exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
