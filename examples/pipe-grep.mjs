// What `grep -i error FILE | wc` says, from two programs that are joined by hand: node examples/pipe-grep.mjs FILE
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { AsyncPipe, popen } from '@aiopipe/subprocess';

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: node examples/pipe-grep.mjs FILE');
  process.exit(2);
}

const grep = popen(['grep', '-i', 'error'], { stdin: 'pipe', stdout: 'pipe' });
// grep's stdout moves into wc: what goes from one to the other never comes through here.
const wc = popen(['wc'], { stdin: grep.stdout, stdout: 'pipe' });
const pipe = new AsyncPipe(grep, wc);

/** @param {string} file */
async function write(file) {
  for await (const line of createInterface({ input: createReadStream(file) })) {
    await pipe.write(`${line}\n`, { full: true });
  }
  await pipe.stdin.close();
}

async function read() {
  for (;;) {
    const line = await pipe.readLine();
    if (line.length === 0) return; // the end: a line that is empty still has its newline
    process.stdout.write(line);
  }
}

try {
  await Promise.all([write(path), read()]);
} finally {
  await pipe[Symbol.asyncDispose]();
}
