/** Takes the handles that the encoder finds in a message. */
export interface HandleSink {
  /** Whether this object is a handle that can go along: it carries the brand, or is a socket or server of Node's. */
  isHandle(value: object): boolean;
  /**
   * Notes it; returns its index in this message's list of handles. A Refusal that it throws becomes an EncodeError with
   * the way to the handle; anything else is thrown by the encoder as it is.
   */
  add(value: object): number;
}

/** Gives the handles of a message to the decoder. */
export interface HandleSource {
  /** The handle at this index of the message's list. What it throws is thrown by the decoder as it is. */
  take(index: number): object;
}
