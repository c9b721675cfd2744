// The lines of a growing file that speak of errors, as they come: node examples/pipe-tail.mjs FILE [COUNT]
// It ends after COUNT lines; without that, by Ctrl-C, which leaves neither of the two programs behind.
import { AsyncPipe, popen } from '@aiopipe/subprocess';

const [path, count = 'Infinity'] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: node examples/pipe-tail.mjs FILE [COUNT]');
  process.exit(2);
}

const tail = popen(['tail', '-n', '+1', '-f', path], { stdin: 'ignore', stdout: 'pipe' });
const grep = popen(['grep', '--line-buffered', '-i', 'error'], { stdin: tail.stdout, stdout: 'pipe' });
const pipe = new AsyncPipe(tail, grep);
try {
  for (let left = Number(count); left > 0; left--) {
    const line = await pipe.readLine();
    if (line.length === 0) break;
    process.stdout.write(line);
  }
} finally {
  await pipe[Symbol.asyncDispose]();
}
