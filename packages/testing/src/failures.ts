/** An error with its fields. */
export type Failure = Error & { readonly code?: string } & Readonly<Record<string, unknown>>;

export async function errorOf(promise: Promise<unknown>): Promise<Failure> {
  try {
    await promise;
  } catch (error) {
    return error as Failure;
  }
  throw new Error('it did not reject');
}

export function thrownBy(call: () => unknown): Failure {
  try {
    call();
  } catch (error) {
    return error as Failure;
  }
  throw new Error('it did not throw');
}
