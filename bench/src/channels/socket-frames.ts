import { type Socket } from 'node:net';

/** Of a frame, the same as ours: the payload's length, big-endian. */
export const HEADER_LENGTH = 4;

export function writeHeader(into: Buffer, length: number): void {
  into.writeUInt32BE(length);
}

/** Calls for every payload that has come whole. A large one is put together once, when its last piece is here. */
export function onFrames(socket: Socket, deliver: (payload: Buffer) => void): void {
  let pieces: Buffer[] = [];
  let length = 0;
  let needed = HEADER_LENGTH;
  socket.on('data', (chunk: Buffer) => {
    pieces.push(chunk);
    length += chunk.length;
    if (length < needed) return;
    const bytes = pieces.length === 1 ? chunk : Buffer.concat(pieces, length);
    let offset = 0;
    needed = HEADER_LENGTH;
    while (bytes.length - offset >= HEADER_LENGTH) {
      const size = HEADER_LENGTH + bytes.readUInt32BE(offset);
      if (bytes.length - offset < size) {
        needed = size;
        break;
      }
      deliver(bytes.subarray(offset + HEADER_LENGTH, offset + size));
      offset += size;
    }
    length = bytes.length - offset;
    pieces = length > 0 ? [bytes.subarray(offset)] : [];
  });
}
