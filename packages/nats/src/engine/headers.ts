/** The headers of our messages. JetStream takes the reply subject of a message for its own, so ours is a header. */
export const HEADER = {
  /** The id of a task or a message. */
  id: 'Aiopipe-Id',
  /** The subject to which the outcome of a task goes. */
  reply: 'Aiopipe-Reply',
  /** How often a task may be tried again. */
  retries: 'Aiopipe-Retries',
  priority: 'Aiopipe-Priority',
  key: 'Aiopipe-Key',
  /** What a message is: a kind of task or of answer, or the end marker of a channel. */
  kind: 'Aiopipe-Kind',
  /** The name of the object that has the bytes of the message. */
  object: 'Aiopipe-Object',
  /** The contexts of the call, as JSON. */
  context: 'Aiopipe-Context',
  /** The name of the machine that answers. */
  machine: 'Aiopipe-Machine',
  /** Tells the attempts of a task apart. */
  attempt: 'Aiopipe-Attempt',
  /** The number of an item in its stream. */
  item: 'Aiopipe-Item',
  /** The subject on which the machine takes credits. */
  credits: 'Aiopipe-Credits',
  /** The caller does not wait for this any more. */
  gone: 'Aiopipe-Gone',
} as const;
