import { readFileSync } from 'node:fs';
import { Timer } from '@aiopipe/core/internal';
import { type Slot } from './slot.js';

/** Looks at the memory of workers while they run tasks, and ends those that hold too much. */
export class MemoryWatch {
  readonly #bytes: number;
  readonly #interval: number;
  readonly #slots: Iterable<Slot>;
  #timer: Timer | undefined;

  /** @param slots - those that have workers, at any time */
  constructor({ bytes, interval }: { readonly bytes: number; readonly interval: number }, slots: Iterable<Slot>) {
    this.#bytes = bytes;
    this.#interval = interval;
    this.#slots = slots;
  }

  /** Starts or stops it. The tasks keep this process alive, not the watch. */
  run(isOn: boolean): void {
    this.#timer?.cancel();
    this.#timer = isOn ? new Timer(() => this.#look(), this.#interval).unref() : undefined;
  }

  #look(): void {
    this.run(true);
    for (const slot of this.#slots) {
      const { pid } = slot.worker;
      const held = slot.load > 0 && pid !== undefined ? residentSetSize(pid) : undefined;
      if (held !== undefined && held > this.#bytes) slot.exceed(held, this.#bytes);
    }
  }
}

/** Returns the bytes that a process holds; undefined if it has ended, and on a system without /proc: proc(5). */
function residentSetSize(pid: number): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'latin1'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
