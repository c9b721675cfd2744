import { BrokenPipeError, ClosedError, SystemError } from '@aiopipe/core';
import { reasonOf } from '@aiopipe/core/internal';
import { putSoon } from '../channel/channel.js';
import { type Channel } from '../channel/channel.js';
import { QueueFullError } from '../errors.js';
import { fromErrorData, toErrorData } from './error-data.js';
import { closeAsIfSent } from './held-handles.js';
import { CANCEL, ERROR, type Message } from './protocol.js';

/** As many answers may wait for a peer that does not read. */
const MOST_WAITING = 100_000;

interface WaitingMessage {
  readonly message: Message;
  readonly refused: (error: unknown) => void;
}

/** The sending side of a channel with calls. */
export class CallSender {
  readonly channel: Channel;
  /** What ended the calls of this channel. */
  over: Error | undefined;
  /** The messages that the channel has no room for. */
  #waiting: WaitingMessage[] = [];
  readonly #sendsBytes: boolean;
  readonly #onFailure: (error: Error) => void;

  /** @param onFailure - called if the peer does not read, or a call cannot be answered: it must end the channel */
  constructor(channel: Channel, onFailure: (error: Error) => void) {
    this.channel = channel;
    // Only the serializer keeps the class and all fields of an error.
    this.#sendsBytes = channel.settings.encoder === 'default';
    this.#onFailure = onFailure;
  }

  get name(): string {
    return this.channel.name;
  }

  get isBusy(): boolean {
    return this.#waiting.length > 0;
  }

  /** Tells the event loop that `holdsLoop` may have changed. */
  updateHold(): void {
    if (this.over === undefined) this.channel.incoming?.holdFollower();
  }

  /** Sends a call. Throws what `put()` rejects with. */
  send(message: Message): void {
    putSoon(this.channel, message);
  }

  /**
   * Sends a message in its turn; if the channel is full, once there is room. Returns false if it is full. If the value cannot be
   * encoded, `refused` gets the error.
   */
  post(message: Message, refused: (error: unknown) => void = ignore): boolean {
    if (this.over !== undefined) return false;
    if (this.#waiting.length === 0) {
      try {
        return putSoon(this.channel, message);
      } catch (error) {
        if (this.#isOfDelivery(error)) return false;
        if (!(error instanceof QueueFullError)) {
          refused(error);
          return true;
        }
      }
      this.#resumeLater();
    }
    if (this.#waiting.push({ message, refused }) > MOST_WAITING) {
      this.#onFailure(new QueueFullError(`${this.name}: the peer does not read the answers to its calls`));
    }
    return false;
  }

  /**
   * Answers a call with an error. If that cannot be encoded (it may be too long for a frame), answers with one that says so: a call
   * that got no answer would wait for ever.
   */
  postError(id: number, error: unknown): void {
    this.post([ERROR, id, this.errorData(error)], (refusal) => {
      const what = error instanceof Error ? error.name : typeof error;
      const brief = new Error(`the call failed, and its error (${what}) cannot be sent: ${reasonOf(refusal)}`);
      brief.stack = `Error: ${brief.message}`;
      this.post([ERROR, id, this.errorData(brief)], () => {
        this.#onFailure(refusal as Error);
      });
    });
  }

  /** Tells the peer that a call is no longer waited for; without the reason, if that cannot be encoded. */
  postCancel(id: number, reason: unknown): void {
    if (reason === undefined) this.post([CANCEL, id]);
    else this.post([CANCEL, id, this.errorData(reason)], () => this.post([CANCEL, id]));
  }

  /** Closes the handles of a result that is not sent, because its caller no longer waits. */
  dropResult(value: unknown): void {
    // Other codecs carry no handles.
    if (this.#sendsBytes) closeAsIfSent(value);
  }

  /** Resolves when the channel has room. Never rejects. */
  async drained(): Promise<void> {
    if (this.over === undefined) await this.channel.drain().catch(ignore);
  }

  /** Returns an error in the form that this channel carries. */
  errorData(error: unknown): unknown {
    return toErrorData(error, this.#sendsBytes);
  }

  /** Returns the error that the peer sent, decoded within the limits of the channel. */
  errorOf(data: unknown): unknown {
    return fromErrorData(data, this.channel.settings.limits);
  }

  end(error: Error): void {
    this.over = error;
    this.#waiting = [];
  }

  #resumeLater(): void {
    void this.drained().then(() => {
      const waiting = this.#waiting;
      this.#waiting = [];
      // Those that still find no room are put back, in their order.
      for (const { message, refused } of waiting) this.post(message, refused);
    });
  }

  /** Whether an error is about the channel, and not about the message. The reader hears of such an end. */
  #isOfDelivery(error: unknown): boolean {
    if (error instanceof BrokenPipeError || error instanceof SystemError) return true;
    // It may be about a handle in the message, too.
    return error instanceof ClosedError && this.channel.isClosed;
  }
}

function ignore(): void {
  // The end of the channel is heard elsewhere.
}
