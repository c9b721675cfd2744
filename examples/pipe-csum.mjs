// The checksum of a file, in two ways: node examples/pipe-csum.mjs FILE
import { open } from 'node:fs/promises';
import { AsyncPipe, popen } from '@aiopipe/subprocess';

const BLOCK = 8192;

/**
 * All at once: `communicate` feeds the program from the open file and reads what it says.
 *
 * @param {string} path
 */
async function byCommunicate(path) {
  const file = await open(path);
  const pipe = new AsyncPipe(popen(['sha1sum'], { stdin: 'pipe', stdout: 'pipe' }));
  try {
    const [stdout] = await pipe.communicate(file);
    return stdout.toString();
  } finally {
    await pipe[Symbol.asyncDispose]();
    await file.close();
  }
}

/**
 * Step by step: one task writes the file block by block, while another one reads to the end.
 *
 * @param {string} path
 */
async function byFeeder(path) {
  const file = await open(path);
  const pipe = new AsyncPipe(popen(['sha1sum'], { stdin: 'pipe', stdout: 'pipe' }));

  async function feed() {
    const block = Buffer.alloc(BLOCK);
    for (;;) {
      const { bytesRead } = await file.read(block, 0, BLOCK);
      if (bytesRead === 0) break;
      // Without `full` it would write as much as fits now, and return how much that was.
      await pipe.write(block.subarray(0, bytesRead), { full: true });
    }
    await pipe.stdin.close(); // the program reads the end of its input
  }

  try {
    const [stdout] = await Promise.all([pipe.read(), feed()]);
    return stdout.toString();
  } finally {
    await pipe[Symbol.asyncDispose]();
    await file.close();
  }
}

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: node examples/pipe-csum.mjs FILE');
  process.exit(2);
}
process.stdout.write(`communicate: ${await byCommunicate(path)}`);
process.stdout.write(`feeder:      ${await byFeeder(path)}`);
