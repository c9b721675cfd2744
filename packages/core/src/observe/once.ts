/** A call that code of the program makes for us, within a context of its own: that may throw, or call never, or twice. */
export class Once<Result> {
  readonly #run: () => Result;
  #outcome: { readonly value: Result } | { readonly error: unknown } | undefined;

  constructor(run: () => Result) {
    this.#run = run;
  }

  get isSettled(): boolean {
    return this.#outcome !== undefined;
  }

  /** Makes the call, if it was not made. */
  settle(): void {
    if (this.#outcome !== undefined) return;
    try {
      this.#outcome = { value: this.#run() };
    } catch (error) {
      this.#outcome = { error };
    }
  }

  /** Makes the call, if it was not made. Returns what it has returned, or throws what it has thrown. */
  result(): Result {
    this.settle();
    const outcome = this.#outcome as { readonly value: Result } | { readonly error: unknown };
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /** Whether the call threw this. */
  hasThrown(error: unknown): boolean {
    return this.#outcome !== undefined && 'error' in this.#outcome && this.#outcome.error === error;
  }
}
