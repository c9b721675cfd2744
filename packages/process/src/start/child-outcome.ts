import { DecodeError, FrameTooLongError, InvalidMessageError } from '@aiopipe/codec';
import { type Limits } from '@aiopipe/core';
import { describeValue, limitsBehindEnd, limitsBehindError, reasonOf, type Exit } from '@aiopipe/core/internal';
import { deserializeError } from '../control/received-error.js';
import { EXIT_UNTOLD, type FromChild } from '../control/protocol.js';
import { ChildError } from '../errors.js';

/** Node exits with this code if it refuses its options: see "Exit codes" in its documentation of `process`. */
const INVALID_ARGUMENT = 9;

/** The usual reason why a child breaks the protocol. */
const INTRUDER = '; does other code in it write to its descriptor 3?';

/** How a child went, if anything is known of that before its end. */
type Known =
  /** Its function returned. */
  | { readonly kind: 'result' }
  /** Its function threw, or could not be called. */
  | { readonly kind: 'error' | 'no-start'; readonly error: unknown }
  /** The conversation with it broke. `what` completes a sentence that begins with the child's name. */
  | { readonly kind: 'broken'; readonly code: ChildError['code']; readonly what: string; readonly error: unknown };

/** The outcome of a child, as the parent knows it: the child's last message, or why the conversation broke. */
export class ChildOutcome {
  #known: Known | undefined;
  /** The serialized error that nothing caught in the child: the reason of its end, if it tells no other. */
  #uncaught: Uint8Array | undefined;
  #hasBegun = false;
  #brokeAfterResult = false;
  readonly #limits: Limits | undefined;

  /** @param limits - of the child: messages name those that may be the reason of its end */
  constructor(limits: Limits | undefined) {
    this.#limits = limits;
  }

  /** Takes down what a message tells; most tell nothing about the end. */
  hear(message: FromChild): void {
    if (message.kind === 'started') this.#hasBegun = true;
    else if (message.kind === 'uncaught') this.#uncaught = message.error;
    else if (message.kind === 'result') this.#known = { kind: 'result' };
    else if (message.kind === 'error' || message.kind === 'no-start') {
      this.#known = { kind: message.kind, error: deserializeError(message.error) };
    }
  }

  /** The child's result came, and cannot be built in this process. */
  resultIsUnreadable(error: DecodeError): void {
    this.#known = { kind: 'error', error };
  }

  /** The child broke the protocol, or a receive failed. */
  breakAt(error: unknown): void {
    this.#brokeAfterResult = this.#known?.kind === 'result';
    const isItsFault = [InvalidMessageError, DecodeError, FrameTooLongError].some((Class) => error instanceof Class);
    const reason = error instanceof InvalidMessageError ? error.issues[0]?.message : reasonOf(error);
    this.#known = isItsFault
      ? { kind: 'broken', code: 'ERR_AIOPIPE_PROTOCOL', what: `broke the protocol (${String(reason)})`, error }
      : {
          kind: 'broken',
          code: this.#codeOfDeath,
          what: `sent a message that could not be received (${String(reason)})`,
          error,
        };
  }

  /** A message to the child could not be sent. */
  couldNotTell(error: Error): void {
    this.#known = {
      kind: 'broken',
      code: this.#codeOfDeath,
      what: `could not be sent a message (${error.message})`,
      error,
    };
  }

  /** If the function was never called, another child can call it, and no work is done twice. */
  get #codeOfDeath(): ChildError['code'] {
    return this.#hasBegun ? 'ERR_AIOPIPE_NO_RESULT' : 'ERR_AIOPIPE_START';
  }

  /** Whether the outcome is known before the child's end. */
  get isKnown(): boolean {
    return this.#known !== undefined;
  }

  /** Whether only the child's exit is known of its end. */
  get toldNothing(): boolean {
    return this.#known === undefined && this.#uncaught === undefined;
  }

  get isBroken(): boolean {
    return this.#known?.kind === 'broken';
  }

  /** Whether the child broke the protocol after its result had arrived: no awaited promise reports that. */
  get brokeAfterResult(): boolean {
    return this.#brokeAfterResult;
  }

  /** Returns why a child that has ended gave no result; undefined if it gave one. */
  failure(name: string, pid: number | undefined, { exitCode, signalCode }: Exit): ChildError | undefined {
    const about = `process ${name} (pid ${String(pid)})`;
    const details = { pid, exitCode, signalCode };
    const known = this.#known ?? this.#uncaughtError();
    if (known === undefined) {
      const when = this.#hasBegun ? 'before its function had returned' : 'before its function was called';
      const how = howItEnded({ exitCode, signalCode }, this.#hasBegun, this.#limits);
      return new ChildError(this.#codeOfDeath, `${about} ended ${when}: ${how}`, details);
    }
    if (known.kind === 'result') return undefined;
    const { error } = known;
    const fail = (code: ChildError['code'], what: string) =>
      new ChildError(code, `${about} ${what}`, { ...details, cause: error });
    switch (known.kind) {
      case 'broken':
        return fail(
          known.code,
          `${known.what}, and was killed${known.code === 'ERR_AIOPIPE_PROTOCOL' ? INTRUDER : ''}`,
        );
      case 'error':
        return fail('ERR_AIOPIPE_CHILD', `failed: ${describeValue(error)}${limitsBehindError(this.#limits, error)}`);
      case 'no-start':
        return fail(
          'ERR_AIOPIPE_START',
          `could not call its function: ${describeValue(error)}${limitsBehindError(this.#limits, error)}`,
        );
    }
  }

  #uncaughtError(): Known | undefined {
    return this.#uncaught && { kind: this.#hasBegun ? 'error' : 'no-start', error: deserializeError(this.#uncaught) };
  }
}

/** @param hasBegun - whether more than Node itself has run in the child */
export function howItEnded(
  { exitCode, signalCode }: Omit<Exit, 'resourceUsage'>,
  hasBegun: boolean,
  limits: Limits | undefined,
): string {
  const why = limitsBehindEnd(limits, { exitCode, signalCode }, hasBegun);
  if (signalCode !== null) return `by ${signalCode}${why}`;
  const how = `with exit code ${String(exitCode)}${why}`;
  if (exitCode === EXIT_UNTOLD) return `${how}: the child could not send a message to its parent; its stderr says why`;
  if (hasBegun && exitCode === 0)
    return `${how} (it called process.exit(), or awaits a promise that nothing will settle)`;
  if (hasBegun || exitCode !== INVALID_ARGUMENT) return how;
  return `${how}: Node refused its options (execArgv, NODE_OPTIONS); its stderr says which`;
}
