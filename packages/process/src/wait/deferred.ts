import { handled } from '@aiopipe/core/internal';

/** A promise and the functions that settle it. The first call counts. The promise is marked as handled. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: Error) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    void handled(this.promise);
  }
}
