import { type DuplexEnd, type DuplexStream, type PipeReader, type ReadEnd, type WriteEnd } from '@aiopipe/core';
import { popen, type PopenOptions, type Program, type TerminalOptions } from '@aiopipe/subprocess';

type OnTerminal = Program<WriteEnd | undefined, ReadEnd | undefined, ReadEnd | undefined, DuplexEnd>;

const SIZE = { columns: 80, rows: 24 };
const TIMEOUT = { timeout: 20_000 };

/** Someone before the terminal of a program: types keys, and sees what is shown. */
export class User implements AsyncDisposable {
  readonly program: OnTerminal;
  readonly stream: DuplexStream;
  /** What was shown and not looked at by {@link sees} yet. */
  #unseen = '';
  readonly #decoder = new TextDecoder();

  private constructor(program: OnTerminal) {
    this.program = program;
    this.stream = program.terminal.open();
  }

  static of(
    argv: readonly string[],
    { terminal, ...options }: Omit<PopenOptions, 'terminal'> & { terminal?: Partial<TerminalOptions> } = {},
  ): User {
    return new User(popen(argv, { ...options, terminal: { ...SIZE, ...terminal } }));
  }

  get reader(): PipeReader {
    return this.stream.reader;
  }

  async type(keys: string): Promise<void> {
    await this.stream.writer.write(keys);
  }

  /** Waits until it is shown; returns the match. What is shown after it is for the next call. */
  async sees(what: string | RegExp): Promise<string> {
    for (;;) {
      const found = typeof what === 'string' ? this.#find(what) : what.exec(this.#unseen);
      if (found !== undefined && found !== null) {
        this.#unseen = this.#unseen.slice(found.index + found[0].length);
        return found[0];
      }
      const bytes = await this.reader.read(65_536, TIMEOUT).catch((error: unknown) => {
        throw new Error(`${String(what)} was not shown, but ${JSON.stringify(this.#unseen)}`, { cause: error });
      });
      if (bytes.length === 0) throw new Error(`it ended; ${String(what)} was not in ${JSON.stringify(this.#unseen)}`);
      this.#unseen += this.#decoder.decode(bytes, { stream: true });
    }
  }

  #find(text: string): { readonly index: number; readonly 0: string } | undefined {
    const index = this.#unseen.indexOf(text);
    return index < 0 ? undefined : { index, 0: text };
  }

  /** All that is shown until the end of the stream. */
  async rest(): Promise<string> {
    return this.#unseen + String(await this.reader.read(undefined, TIMEOUT));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}
