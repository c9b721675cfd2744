/**
 * The messages between a parent and a child process over the child's control channel.
 *
 * ```text
 *  parent                          child                      state of the child (see `conversation.ts`)
 *  ── Preparation ───────────────▶                            preparing   only a child of a Prefork
 *                                 ── idle ──────────────────▶ idle
 *  ── Start, then the arguments ─▶                            ordered     it loads its module
 *                                 ── started ───────────────▶ running     its function was called
 *                                 ── ready ─────────────────▶ running     at most once
 *  ── ping ──────────────────────▶ ── pong ─────────────────▶             from `started` on, also after the result
 *                                 ── connect ───────────────▶ running     asks for a channel to a sibling
 *  ── waits | connected | refused ▶                                       any number of `waits`, then one answer
 *                                 ── withdraw ──────────────▶ running     no longer waits for the answer
 *                                 ── accept ────────────────▶ running     takes one connection of a sibling
 *  ── connection | refused ──────▶                                        for each `accept`
 *                                 ── took | declined ───────▶ running     for each `connection`
 *                                 ── result | error ────────▶ reported    it flushes, and ends
 *                                 ── no-start ──────────────▶ reported    in place of `idle` or `started`
 *                                 ── uncaught ──────────────▶             at any time, any number of times
 * ```
 *
 * Each order has an id that the child cannot know before, and each answer carries, as `of`, the id of the order that it
 * answers: of the Preparation until the Start has come, of the Start after that. A pong carries the id of its ping; pings
 * are numbered from 0 and answered in their order. Only `no-start` and `uncaught` are taken without an id, in place of `idle`
 * or `started`: a child that could not read its order knows none, nor does one of another version of this package. The
 * connects of a child are numbered from 0, too; `waits`, `connected`, `refused` and `withdraw` carry the number.
 *
 * The parent does not trust the child. A message that is badly formed, of an unknown kind or out of turn breaks the
 * conversation, and so does a frame over the limits: the child is killed, and what waits for it rejects with
 * `ERR_AIOPIPE_PROTOCOL`. If a send or a receive fails, the child is killed, too, and what waits rejects with the system's
 * error as the cause. A child that closes the channel and does not end is killed after {@link SILENCE}. The child trusts
 * its parent. A child that can no longer tell its parent anything writes why to its stderr, and exits with
 * {@link EXIT_UNTOLD}.
 *
 * @module
 */

import { type Channel } from '@aiopipe/codec';
import { type CarriedContext } from '@aiopipe/core/internal';

/** The descriptor of a child's control channel. */
export const CONTROL_FD = 3;

/** The first field of the first message. A child of another version of the package says so instead of guessing. */
export const PROTOCOL = 4;

/** The exit code of a child that could not tell its parent how it went. EX_IOERR of sysexits.h: Node has no use for it. */
export const EXIT_UNTOLD = 74;

/** Milliseconds between the end of what a child says and SIGKILL. One that ends by itself takes a few. */
export const SILENCE = 5000;

/** The first message to a child of a prefork. The child answers `idle`; a {@link Start} comes later. */
export interface Preparation {
  readonly protocol: number;
  readonly id: number;
  /** The directory that the child changes to before it evaluates a module: see `start/start-directory.ts`. */
  readonly cwd?: string | undefined;
  /** URLs of modules to evaluate. */
  readonly preload: readonly string[];
}

/** The first message to any other child. The second message holds the arguments. */
export interface Start {
  readonly protocol: number;
  readonly id: number;
  readonly url: string;
  readonly name: string;
  /** The name of the process, which ends its command line. */
  readonly processName: string;
  /** The directory that the child changes to before it evaluates a module: see `start/start-directory.ts`. */
  readonly cwd?: string | undefined;
  /** `detached` if the child outlives its parent; otherwise the milliseconds from SIGTERM to SIGKILL when the parent ends. */
  readonly grace: number | 'detached';
  /** The context of the call that started the child; left out if no carrier has one. */
  readonly context?: CarriedContext | undefined;
}

/** Asks a child that has its arguments for a sign of life. */
export interface Ping {
  readonly kind: 'ping';
  readonly id: number;
}

/** Connects of one child that may wait for an answer at once. */
export const MAX_CONNECTS = 100;

/** A message to a child that asked for a channel to a sibling, or takes such channels. */
export type ToSibling =
  /** The connect waits. `why` completes a sentence that begins with the sibling's name: `was not started`. */
  | { readonly kind: 'waits'; readonly number: number; readonly why: string }
  /** The child's end of the new channel. */
  | { readonly kind: 'connected'; readonly number: number; readonly channel: Channel }
  /** There will be no channel. Without a number: the child can get no connections. */
  | { readonly kind: 'refused'; readonly number?: number; readonly code: string; readonly message: string }
  /** A sibling's new channel. `from` is undefined if the program that has the supervisor connected. */
  | { readonly kind: 'connection'; readonly from: string | undefined; readonly channel: Channel };

/** A message from a child about channels to and from its siblings. */
export type FromSibling =
  /** The child wants a channel to the sibling `to`; with `key`, to the partition that has the key. */
  | {
      readonly kind: 'connect';
      readonly of: number;
      readonly number: number;
      readonly to: string;
      readonly key?: string | number;
    }
  /** The child no longer waits for the answer to a connect; void if it was answered. */
  | { readonly kind: 'withdraw'; readonly of: number; readonly number: number }
  /** The child takes one more connection. */
  | { readonly kind: 'accept'; readonly of: number }
  /** The child has taken the connection, or does not want it any more: then it goes to a later accept. */
  | { readonly kind: 'took' | 'declined'; readonly of: number };

/** Whether a message is one of {@link FromSibling}. */
export function isOfSiblings(message: FromChild): message is FromSibling {
  return SIBLING_KINDS.includes(message.kind);
}

const SIBLING_KINDS: readonly string[] = [
  'connect',
  'withdraw',
  'accept',
  'took',
  'declined',
] satisfies FromSibling['kind'][];

/** A message from a child. Errors are bytes, so that one which cannot be decoded is still known for an error. */
export type FromChild =
  /** The child has evaluated its modules, and can be taken. */
  | { readonly kind: 'idle'; readonly of: number }
  /** The child's function was called. */
  | { readonly kind: 'started'; readonly of: number }
  /** The child called `ready()`. */
  | { readonly kind: 'ready'; readonly of: number }
  /** The child's event loop runs. */
  | { readonly kind: 'pong'; readonly of: number }
  /** The child's function has returned. */
  | { readonly kind: 'result'; readonly of: number; readonly value: unknown }
  /** The child's function has thrown. */
  | { readonly kind: 'error'; readonly of: number; readonly error: Uint8Array }
  /** The child's function will never be called. */
  | { readonly kind: 'no-start'; readonly of?: number | undefined; readonly error: Uint8Array }
  /** Nothing caught an exception. The process ends next, unless a handler of the program's own lets it go on. */
  | { readonly kind: 'uncaught'; readonly of?: number | undefined; readonly error: Uint8Array }
  | FromSibling;

/** Returns an id for an order, which a child cannot guess. */
export function newOrderId(): number {
  return Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
}
