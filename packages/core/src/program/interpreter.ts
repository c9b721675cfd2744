import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';

/** The system reads no more of a script's first line (BINPRM_BUF_SIZE); of an ELF file the headers stand near the start. */
const ENOUGH = 4096;

/**
 * Finds the first of these files that needs a file which is missing: a script's interpreter, or the dynamic loader of
 * another C library. Starting it fails with ENOENT or EACCES, as if the file itself were missing.
 */
export function missingInterpreter(
  candidates: readonly string[],
  cwd: string | undefined,
): { file: string; interpreter: string } | undefined {
  // Relative paths stay relative: the working directory may have been removed, and then has no name.
  const find = (path: string) => (isAbsolute(path) ? path : join(cwd ?? '', path));
  for (const candidate of candidates) {
    const interpreter = interpreterOf(find(candidate));
    if (interpreter !== undefined && !isExecutable(find(interpreter))) return { file: candidate, interpreter };
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    const status = statSync(file);
    return status.isFile() && (status.mode & 0o111) !== 0;
  } catch {
    return false;
  }
}

function interpreterOf(file: string): string | undefined {
  if (!isExecutable(file)) return undefined;
  let head: Buffer;
  try {
    head = beginningOf(file);
  } catch {
    return undefined;
  }
  // A carriage return belongs to the name, as the system takes it.
  if (head.toString('latin1', 0, 2) === '#!') return /^#![ \t]*([^ \t\n]+)/.exec(head.toString())?.[1];
  return loaderOf(head);
}

function beginningOf(file: string): Buffer {
  const fd = openSync(file, 'r');
  try {
    const head = Buffer.alloc(ENOUGH);
    return head.subarray(0, readSync(fd, head, 0, ENOUGH, 0));
  } finally {
    closeSync(fd);
  }
}

/** Returns the PT_INTERP of a 64-bit little-endian ELF file (elf(5)). */
function loaderOf(head: Buffer): string | undefined {
  if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1) return undefined;
  const first = Number(head.readBigUInt64LE(32));
  const size = head.readUInt16LE(54);
  const count = head.readUInt16LE(56);
  for (let at = first; at < first + size * count && at + 56 <= head.length; at += size) {
    if (head.readUInt32LE(at) !== 3) continue;
    const offset = Number(head.readBigUInt64LE(at + 8));
    return head.toString('utf8', offset, head.indexOf(0, offset));
  }
  return undefined;
}
