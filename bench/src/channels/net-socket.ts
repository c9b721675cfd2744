import { Socket } from 'node:net';
import { aioduplex } from '@aiopipe/core';
import { target } from '@aiopipe/process';
import { drained, startScript } from '../harness/sockets.js';
import { type Laps } from '../harness/laps.js';
import { type Exchange } from './exchange.js';
import { driveLinks, type Link } from './link.js';
import { socketCodec } from './socket-codec.js';
import { onFrames, HEADER_LENGTH, writeHeader } from './socket-frames.js';

/** Up to here a frame is copied into one buffer; past it, that would cost more than a second buffer. */
const SMALL = 16 * 1024;
/** As channels have. */
const BUFFER_SIZE = 1024 * 1024;
const FIRST_FD = 3;

/** As `exchange` of ours: socketpairs with buffers as large, and the same frames. */
export const netExchange = target(import.meta.url, 'netExchange', async (laps: Laps, spec: Exchange) => {
  const pairs = Array.from({ length: spec.channels }, () => aioduplex({ bufferSize: BUFFER_SIZE }));
  startScript(
    new URL('./net-socket-partner.js', import.meta.url),
    pairs.map(([, theirs]) => theirs.release()),
    [JSON.stringify(spec)],
  );
  const links = pairs.map(([ours]) => netLink(ours.release(), spec));
  await driveLinks(laps, spec, links);
  for (const link of links) link.end();
});

export function partnerLinks(spec: Exchange): Link[] {
  return Array.from({ length: spec.channels }, (_, index) => netLink(FIRST_FD + index, spec));
}

/** Sends the frames of one turn together, and waits if the socket asks for it. */
function netLink(fd: number, spec: Exchange): Link & { end(): void } {
  const { encode, decode } = socketCodec(spec);
  const socket = new Socket({ fd, readable: true, writable: true });
  let isCorked = false;
  const uncork = () => {
    isCorked = false;
    socket.uncork();
  };
  const link = {
    send(message: unknown) {
      const payload = encode(message);
      const isSmall = payload.length <= SMALL;
      const head = Buffer.allocUnsafe(isSmall ? HEADER_LENGTH + payload.length : HEADER_LENGTH);
      writeHeader(head, payload.length);
      if (isSmall) head.set(payload, HEADER_LENGTH);
      if (!isCorked) {
        isCorked = true;
        socket.cork();
        process.nextTick(uncork);
      }
      socket.write(head);
      if (!isSmall) socket.write(payload);
      return socket.writableNeedDrain ? drained(socket) : undefined;
    },
    onMessage: (_message: unknown): void => undefined,
    end: () => socket.end(),
  };
  onFrames(socket, (payload) => {
    link.onMessage(decode(payload));
  });
  return link;
}
