import { Presets, SingleBar } from 'cli-progress';
import prettyBytes from 'pretty-bytes';

const FORMAT = '{bar} {percentage}% | {value}/{total} files | {rate} | {left} left';
const STYLE = { hideCursor: true, clearOnComplete: true };
/** In characters: the whole line fits into 80 columns. */
const BAR = 24;
const BAR_BESIDE_MACHINES = 10;
/** Seconds before the first rate is shown. */
const WARM_UP = 0.1;
const UNKNOWN = { rate: '? B/s', left: '?' };

/** A bar on the terminal, with rate and time left, and how many machines run. Without a terminal there is no bar. */
export class Progress implements Disposable {
  readonly #isVisible: boolean;
  readonly #machines: (() => string) | undefined;
  #bar: SingleBar | undefined;
  #start = 0;
  #listed = 0;
  #files = 0;
  #bytes = 0;
  #isStopped = false;

  /** @param machines - returns how the machines are, if there are some */
  constructor(isWanted: boolean, machines?: () => string) {
    this.#machines = machines;
    this.#isVisible = isWanted && process.stdout.isTTY && process.stderr.isTTY;
  }

  /** The files that were listed. */
  get listed(): number {
    return this.#listed;
  }

  addListed(): void {
    this.#listed++;
    this.#bar?.setTotal(this.#listed);
  }

  addFile(): void {
    this.#files++;
    this.#show();
  }

  addBytes(bytes: number): void {
    this.#bytes += bytes;
    this.#show();
  }

  /** Begins at the first progress: the start of the workers says nothing about the time left. */
  #show(): void {
    if (!this.#isVisible || this.#isStopped) return;
    if (this.#bar === undefined) {
      this.#start = performance.now();
      const look =
        this.#machines === undefined
          ? { format: FORMAT, barsize: BAR }
          : { format: `${FORMAT} | {machines}`, barsize: BAR_BESIDE_MACHINES };
      this.#bar = new SingleBar({ ...look, ...STYLE }, Presets.shades_classic);
      this.#bar.start(this.#listed, 0, { ...UNKNOWN, machines: '?' });
    }
    const estimate = this.#estimate((performance.now() - this.#start) / 1000);
    this.#bar.update(this.#files, { ...estimate, machines: this.#machines?.() });
  }

  /** The library's own estimate stands still while large files are read. */
  #estimate(seconds: number): typeof UNKNOWN {
    if (seconds < WARM_UP) return UNKNOWN;
    const left = Math.ceil((seconds * (this.#listed - this.#files)) / this.#files);
    return {
      rate: `${prettyBytes(this.#bytes / seconds)}/s`,
      left: Number.isFinite(left) ? duration(left) : UNKNOWN.left,
    };
  }

  /** Clears the line and shows the cursor again. */
  stop(): void {
    this.#isStopped = true;
    this.#bar?.stop();
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

function duration(seconds: number): string {
  return seconds < 60 ? `${String(seconds)}s` : `${String(Math.floor(seconds / 60))}m${String(seconds % 60)}s`;
}
