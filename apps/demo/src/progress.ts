import { Presets, SingleBar } from 'cli-progress';
import prettyBytes from 'pretty-bytes';

/** A bar on the terminal, with rate and time left. Where there is no terminal to see it, there is none. */
export class Progress {
  readonly #bar: SingleBar | undefined;
  readonly #start = performance.now();
  #files = 0;
  #bytes = 0;

  constructor(isWanted: boolean) {
    if (!isWanted || !process.stdout.isTTY || !process.stderr.isTTY) return;
    const format = '{bar} {percentage}% | {value}/{total} files | {rate} | {eta_formatted} left';
    this.#bar = new SingleBar({ format, hideCursor: true, etaBuffer: 500, clearOnComplete: true }, Presets.shades_classic);
    this.#bar.start(0, 0, { rate: '' });
  }

  addListed(): void {
    this.#bar?.setTotal(this.#bar.getTotal() + 1);
  }

  addFile(): void {
    this.#bar?.update(++this.#files);
  }

  addBytes(bytes: number): void {
    this.#bytes += bytes;
    const perSecond = this.#bytes / ((performance.now() - this.#start) / 1000);
    this.#bar?.update(this.#files, { rate: `${prettyBytes(perSecond)}/s` });
  }

  /** Clears the line and shows the cursor again. */
  stop(): void {
    this.#bar?.stop();
  }
}
