/** How a {@link PipeWriter} behaves. */
export interface WriterOptions {
  /** Bytes that may wait for the kernel before `write` makes its caller wait. 64 KiB by default. */
  readonly highWaterMark?: number | undefined;
  /** Milliseconds for which disposal flushes before it gives up. 5000 by default. */
  readonly closeTimeout?: number | undefined;
}

export const DEFAULT_HIGH_WATER_MARK = 64 * 1024;
export const DEFAULT_CLOSE_TIMEOUT = 5000;

/** Before the end is opened: then it is still the caller's if they are wrong. */
export function checkWriterOptions(options: WriterOptions = {}): void {
  for (const name of ['highWaterMark', 'closeTimeout'] as const) {
    const value = options[name];
    if (value !== undefined && !(typeof value === 'number' && value >= 0)) {
      const unit = name === 'highWaterMark' ? 'bytes' : 'milliseconds';
      throw new RangeError(`${name}: expected a number of ${unit}, not ${String(value)}`);
    }
  }
}
