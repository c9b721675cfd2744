/** The descriptor on which a child finds its control channel. */
export const CONTROL_FD = 3;

/** The first field of the first message. A child of another version of the package says so instead of guessing. */
export const PROTOCOL = 2;

/** What a child is told that is started before it is needed; it answers `idle`, and a {@link Start} comes later. */
export interface Preparation {
  readonly protocol: number;
  /** URLs of modules to evaluate. */
  readonly preload: readonly string[];
}

/** What any other child is told first, before it has evaluated its module. The next message are the arguments. */
export interface Start {
  readonly protocol: number;
  readonly url: string;
  readonly name: string;
  /** Of the process: what its command line ends with. */
  readonly processName: string;
  /** How many processes are above it. */
  readonly depth: number;
  /** Whether it outlives its parent; otherwise the milliseconds between SIGTERM and SIGKILL when that is gone. */
  readonly grace: number | 'detached';
}

/** What a child is asked once it has its arguments. */
export interface Ping {
  readonly kind: 'ping';
  readonly id: number;
}

/** What a child tells while it runs. */
export type News =
  /** It has evaluated what it was told to, and can be taken. */
  | { readonly kind: 'idle' }
  /** Its function has been called. */
  | { readonly kind: 'started' }
  /** It can serve now, by its own word. */
  | { readonly kind: 'ready' }
  /** Its event loop goes round. */
  | { readonly kind: 'pong'; readonly id: number };

/** What a child tells before it ends. */
export type Report =
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown }
  /** Its function was never called. */
  | { readonly kind: 'no-start'; readonly error: unknown };
