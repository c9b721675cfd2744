import { EndOfStreamError, type Channel } from '@aiopipe/codec';
import { putNow } from '@aiopipe/codec/internal';
import { BrokenPipeError, ClosedError, IncompleteReadError, SystemError } from '@aiopipe/core';

/**
 * Puts a message without waiting. Throws EncodeError and QueueFullError; a failed delivery calls `onFailure`.
 *
 * @param onFailure - gets the reason, now or later, perhaps more than once
 */
export function send<Send>(channel: Channel<Send, unknown>, message: Send, onFailure: (error: Error) => void): void {
  try {
    if (!putNow(channel, message)) channel.drain().catch(onFailure);
  } catch (error) {
    // A ClosedError may be about a handle in the message, too.
    const isOfDelivery =
      error instanceof SystemError ||
      error instanceof BrokenPipeError ||
      (error instanceof ClosedError && channel.isClosed);
    if (!isOfDelivery) throw error;
    onFailure(error);
  }
}

/** Whether an error says that the peer's end of the channel is closed, also inside a message or with messages unread. */
export function hasEnded(error: unknown): boolean {
  return (
    error instanceof EndOfStreamError ||
    error instanceof IncompleteReadError ||
    error instanceof BrokenPipeError ||
    (error instanceof SystemError && error.code === 'ECONNRESET')
  );
}
