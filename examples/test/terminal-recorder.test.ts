import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { popen } from '@aiopipe/subprocess';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';

const recorder = fileURLToPath(new URL('../terminal-recorder.mjs', import.meta.url));

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'examples-'));
});
afterAll(() => rm(directory, { recursive: true }));
afterAll(leakCheck());

/** What a recording shows when it is played, as fast as possible. */
const played = async (file: string) =>
  (await promisify(execFile)(process.execPath, [recorder, 'play', file, 'Infinity'])).stdout;

it('records what a program shows, and plays it', async () => {
  const file = join(directory, 'numbers');
  const record = promisify(execFile)(process.execPath, [
    recorder,
    'record',
    file,
    'sh',
    '-c',
    'stty size; cat; exit 3',
  ]);
  record.child.stdin?.end('word €\n');
  const failure = (await record.catch((error: unknown) => error)) as { code: number; stdout: string };
  expect(failure.code).toBe(3);
  // The first of the two is the echo, which may come before the size.
  expect(failure.stdout.split('\r\n').sort()).toEqual(['', '24 80', 'word €', 'word €']);
  expect(await played(file)).toBe(failure.stdout);
});

it('is used from a terminal: keys go to the program, and the size of the window', async () => {
  const file = join(directory, 'session');
  // A signal interrupts `read`.
  const script = 'trap "stty size" WINCH; echo ready; until read -r line; do :; done; echo "got $line"';
  await using user = popen([process.execPath, recorder, 'record', file, 'sh', '-c', script], {
    terminal: { columns: 70, rows: 20 },
  });
  const { reader, writer } = user.terminal.open();
  let shown = String(await reader.readUntil('ready'));
  user.resize({ columns: 60, rows: 15 });
  shown += String(await reader.readUntil('15 60'));
  await writer.write('line\r');
  shown += String(await reader.read());
  expect((await user.wait()).exitCode).toBe(0);
  // The outer terminal makes two characters of each newline once more.
  expect(shown.replaceAll('\r\r\n', '\r\n')).toBe(await played(file));
  expect(shown).toContain('got line');
  const [header, ...events] = (await readFile(file, 'utf8')).trim().split('\n');
  expect(JSON.parse(header ?? '')).toEqual({ version: 2, width: 70, height: 20 });
  expect(events.some((event) => event.endsWith('"r","60x15"]'))).toBe(true);
});
