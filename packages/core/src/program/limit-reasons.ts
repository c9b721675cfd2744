import { type CgroupOptions, type Limits } from './limits.js';

/** A limit by its name in messages. */
type LimitName = Exclude<keyof Limits, 'cgroup'> | 'cgroup.memoryMax' | 'cgroup.pidsMax';

/** Limits that make the system send a signal, or make programs end by one: an allocation that fails ends Node by SIGTRAP, say. */
const BY_SIGNAL: Readonly<Record<string, readonly LimitName[]>> = {
  SIGXCPU: ['cpuTime'],
  SIGXFSZ: ['fileSize'],
  SIGKILL: ['cpuTime', 'cgroup.memoryMax'],
  SIGABRT: ['memory'],
  SIGTRAP: ['memory'],
  SIGSEGV: ['memory'],
  SIGBUS: ['memory'],
  SIGILL: ['memory'],
};

const BY_CODE: Readonly<Record<string, readonly LimitName[]>> = {
  ENOMEM: ['memory', 'cgroup.memoryMax'],
  // Of Node: a Buffer, and a worker thread's heap.
  ERR_MEMORY_ALLOCATION_FAILED: ['memory'],
  ERR_WORKER_OUT_OF_MEMORY: ['memory'],
  EMFILE: ['openFiles'],
  EAGAIN: ['processes', 'cgroup.pidsMax'],
  EFBIG: ['fileSize'],
};

/** Limits that may keep a program from booting. Libraries and Node end in many ways then. */
const AT_BOOT: readonly LimitName[] = ['memory', 'openFiles', 'processes', 'cgroup.memoryMax', 'cgroup.pidsMax'];

const UNITS: Readonly<Record<string, string>> = { cpuTime: ' s', openFiles: '', processes: '', 'cgroup.pidsMax': '' };

/** What V8 and JavaScriptCore say if the system refuses memory. */
const NO_MEMORY = /allocation failed|out of memory/i;

/**
 * Names the limits that may be the reason of an end, for the end of a sentence: ` (limits.cpuTime: 2 s)`. Returns an empty string
 * if none may.
 *
 * @param hasBooted - false if the child has ended before it ran its own code
 */
export function limitsBehindEnd(
  limits: Limits | undefined,
  { exitCode, signalCode }: { readonly exitCode: number | null; readonly signalCode: string | null },
  hasBooted = true,
): string {
  if (limits === undefined || exitCode === 0) return '';
  const names = signalCode === null ? [] : (BY_SIGNAL[signalCode] ?? []);
  return describe(limits, hasBooted ? names : [...new Set([...names, ...AT_BOOT])]);
}

/** As {@link limitsBehindEnd}, for an error that the child has thrown, or that its start has thrown. */
export function limitsBehindError(limits: Limits | undefined, error: unknown): string {
  if (limits === undefined) return '';
  try {
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (error instanceof RangeError && NO_MEMORY.test(String(message))) return describe(limits, ['memory']);
    return typeof code === 'string' && Object.hasOwn(BY_CODE, code) ? describe(limits, BY_CODE[code] ?? []) : '';
  } catch {
    return ''; // a getter of the error has thrown
  }
}

function describe(limits: Limits, names: readonly LimitName[]): string {
  const parts = names.flatMap((name) => {
    const value = valueOf(limits, name);
    return value === undefined ? [] : [`limits.${name}: ${String(value)}${UNITS[name] ?? ' bytes'}`];
  });
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

function valueOf(limits: Limits, name: LimitName): unknown {
  if (!name.startsWith('cgroup.')) return limits[name as keyof Limits];
  const { cgroup } = limits;
  return typeof cgroup === 'object' ? cgroup[name.slice('cgroup.'.length) as keyof CgroupOptions] : undefined;
}
