import { Socket } from 'node:net';
import { CONFIRMATION, HEADER_LENGTH, readHeader } from './transport.js';

const input = new Socket({ fd: 3, readable: true, writable: false });
const confirmations = new Socket({ fd: 4, readable: false, writable: true });

let header = Buffer.alloc(0);
let left = 0;

input.on('data', (chunk) => {
  if (left === 0) {
    header = Buffer.concat([header, chunk]);
    if (header.length < HEADER_LENGTH) return;
    left = readHeader(header) - (header.length - HEADER_LENGTH);
    header = Buffer.alloc(0);
  } else {
    left -= chunk.length;
  }
  if (left === 0) confirmations.write(CONFIRMATION);
});
input.on('end', () => process.exit());
