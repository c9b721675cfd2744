import { createBirpc } from 'birpc';
import { adder } from './calling.js';

createBirpc(adder, {
  post: (data) => process.send?.(data),
  on: (listener) => process.on('message', listener),
});
