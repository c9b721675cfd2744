import { Socket } from 'node:net';
import { CONFIRMATION, HEADER_LENGTH, READ_SIZE, readHeader } from './transport.js';

const onread = {
  buffer: Buffer.alloc(READ_SIZE),
  callback: (count: number, buffer: Uint8Array) => {
    take(Buffer.from(buffer.buffer, buffer.byteOffset, count));
    return true;
  },
};
const input = new Socket({ fd: 3, readable: true, writable: false, ...(process.argv[2] === 'into' && { onread }) });
const confirmations = new Socket({ fd: 4, readable: false, writable: true });

let header = Buffer.alloc(0);
let left = 0;

function take(chunk: Buffer): void {
  if (left === 0) {
    header = Buffer.concat([header, chunk]);
    if (header.length < HEADER_LENGTH) return;
    left = readHeader(header) - (header.length - HEADER_LENGTH);
    header = Buffer.alloc(0);
  } else {
    left -= chunk.length;
  }
  if (left === 0) confirmations.write(CONFIRMATION);
}

input.on('data', take);
input.on('end', () => process.exit());
