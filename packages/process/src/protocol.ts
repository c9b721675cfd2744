/** The descriptor on which a child finds its control channel. */
export const CONTROL_FD = 3;

/** The first field of the first message. A child of another version of the package says so instead of guessing. */
export const PROTOCOL = 1;

/** What a child is told first, before it has evaluated its module. The next message are the arguments. */
export interface Start {
  readonly protocol: number;
  readonly url: string;
  readonly name: string;
  /** Whether it outlives its parent. */
  readonly detached: boolean;
}

/** What a child tells before it ends. */
export type Report =
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  /** Its function was never called. */
  | { readonly kind: 'no-start'; readonly error: unknown };
