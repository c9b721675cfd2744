// Gives shared memory to a program in any language: node examples/memory-programs.mjs python3 examples/python/read_memory.py
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { sharedMemory } from '@aiopipe/core';

const [, , file, ...words] = process.argv;
if (file === undefined) {
  console.error('usage: node examples/memory-programs.mjs PROGRAM [WORD...]');
  process.exit(2);
}

const memory = sharedMemory(1_000_000);
for (let i = 0; i < memory.byteLength; i++) memory.bytes[i] = i % 251;

// It becomes descriptor 3 of the program, which can map it for reading only.
const share = memory.share({ readOnly: true });
const child = spawn(file, [...words, '3'], { stdio: ['ignore', 'inherit', 'inherit', share.fd] });
share.close();

const [code] = await once(child, 'close');
console.log(`here:  ${createHash('sha1').update(memory.bytes).digest('hex')}`);
memory.close();
process.exitCode = code;
