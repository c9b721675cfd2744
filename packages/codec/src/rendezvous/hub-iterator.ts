import { handled, LOOP_END, LoopIterator } from '@aiopipe/core/internal';

/** A source of connections. */
export interface ConnectionSource<Connection> {
  readonly isClosed: boolean;
  accept(): Promise<Connection>;
}

/** Iterates over the connections of a hub until it is closed. */
export class HubIterator<Connection> extends LoopIterator<Connection> {
  readonly #source: ConnectionSource<Connection>;
  #isOver = false;

  constructor(source: ConnectionSource<Connection>) {
    super();
    this.#source = source;
  }

  override next(): Promise<IteratorResult<Connection, void>> {
    if (this.#isOver || this.#source.isClosed) return Promise.resolve(LOOP_END);
    return handled(
      this.#source.accept().then(
        (value) => ({ done: false, value }),
        (error: unknown) => {
          this.#isOver = true;
          if (this.#source.isClosed) return LOOP_END;
          throw error;
        },
      ),
    );
  }

  override return(): Promise<IteratorResult<Connection, void>> {
    this.#isOver = true;
    return Promise.resolve(LOOP_END);
  }
}
