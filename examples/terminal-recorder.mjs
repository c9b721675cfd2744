// Records a program on a terminal to a file, and plays the file:
//   node examples/terminal-recorder.mjs record FILE PROGRAM [ARGUMENTS...]
//   node examples/terminal-recorder.mjs play FILE [SPEED]
// The program is used as ever meanwhile: keys go to it, and so does the size of the window. The file is an asciicast, version 2.
import { open, readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { TextDecoder } from 'node:util';
import { popen } from '@aiopipe/subprocess';

const { stdin, stdout } = process;
const [command, path, ...words] = process.argv.slice(2);
if (path === undefined || !(command === 'play' || (command === 'record' && words.length > 0))) {
  console.error('usage: node examples/terminal-recorder.mjs record FILE PROGRAM [ARGUMENTS...] | play FILE [SPEED]');
  process.exit(2);
}
await (command === 'record' ? record(path, words) : play(path, Number(words[0] ?? 1)));

/**
 * @param {string} path
 * @param {string[]} argv
 */
async function record(path, argv) {
  const size = sizeOfWindow();
  const file = await open(path, 'w');
  const program = popen(argv, { terminal: size });
  const stream = program.terminal.open();
  const start = performance.now();
  /** @type {(kind: 'o' | 'r', text: string) => Promise<void>} */
  const note = (kind, text) => file.appendFile(`${JSON.stringify([(performance.now() - start) / 1000, kind, text])}\n`);

  // A key or a size that the program does not take, because it has ended, is no failure.
  const type = (/** @type {string | Buffer} */ keys) => void stream.writer.write(keys);
  stdin.on('data', type).on('end', () => type('\x04'));
  stdout.on('resize', () => {
    const now = sizeOfWindow();
    program.resize(now);
    void note('r', `${String(now.columns)}x${String(now.rows)}`);
  });
  // Ctrl-C and other keys are the program's, not ours.
  if (stdin.isTTY) stdin.setRawMode(true);
  try {
    await file.appendFile(`${JSON.stringify({ version: 2, width: size.columns, height: size.rows })}\n`);
    // A character may come in two pieces.
    const decoder = new TextDecoder();
    for await (const chunk of stream.reader) {
      stdout.write(chunk);
      await note('o', decoder.decode(chunk, { stream: true }));
    }
    process.exitCode = (await program.wait()).exitCode ?? 1;
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.destroy();
    stdout.removeAllListeners('resize');
    await program[Symbol.asyncDispose]();
    await file.close();
  }
}

function sizeOfWindow() {
  return { columns: stdout.columns || 80, rows: stdout.rows || 24 };
}

/**
 * @param {string} path
 * @param {number} speed
 */
async function play(path, speed) {
  const [, ...events] = (await readFile(path, 'utf8')).trim().split('\n');
  let now = 0;
  for (const event of events) {
    const [time, kind, text] = JSON.parse(event);
    if (kind !== 'o') continue;
    await setTimeout(((time - now) * 1000) / speed);
    now = time;
    stdout.write(text);
  }
}
