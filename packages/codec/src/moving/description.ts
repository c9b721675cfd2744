/** The most descriptors that may wait for one message, and that a message may have. */
export const MAX_DESCRIPTORS = 1024;

/** How a handle stands in its message: the other side makes it again from this. */
export type Description = [kind: string, fdCount: number, data: unknown];
