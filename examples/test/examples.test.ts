import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const program = (name: string) => fileURLToPath(new URL(`../${name}.mjs`, import.meta.url));

const run = async (name: string, ...args: string[]) =>
  (await promisify(execFile)(process.execPath, [program(name), ...args])).stdout;

/** Runs a line in a shell, to compare with. `$0` in it is the file. */
const shell = (line: string, file: string) => execFileSync('sh', ['-c', line, file], { encoding: 'utf8' });

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'examples-'));
});
afterAll(() => rm(directory, { recursive: true }));
afterAll(leakCheck());

async function fileOf(text: string): Promise<string> {
  const path = join(directory, 'file');
  await writeFile(path, text);
  return path;
}

describe('pipe-csum', () => {
  it.each([0, 1, 8192, 1_000_003])('says twice what sha1sum says of %i bytes', async (size) => {
    const path = await fileOf('a line of a text file\n'.repeat(size / 22 + 1).slice(0, size));
    const sum = shell('sha1sum < "$0"', path);
    expect(await run('pipe-csum', path)).toBe(`communicate: ${sum}feeder:      ${sum}`);
  });
});

describe('pipe-grep', () => {
  it('says what the shell’s pipe says', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${String(i)} ${i % 7 === 0 ? 'an ERROR' : 'fine'}\n`);
    const path = await fileOf(lines.join(''));
    expect(await run('pipe-grep', path)).toBe(shell('grep -i error "$0" | wc', path));
  });

  it('says it of a file without a match, too', async () => {
    const path = await fileOf('fine\n');
    expect(await run('pipe-grep', path)).toBe(shell('grep -i error "$0" | wc', path));
  });
});

describe('pipe-tail', () => {
  it('prints the lines as the file grows, and ends after as many as were asked for', async () => {
    const path = await fileOf('error 0\n');
    const child = spawn(process.execPath, [program('pipe-tail'), path, '4'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = once(child, 'exit');
    let written = 0;
    let printed = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      printed += String(chunk);
      // Only what has been printed brings the next line.
      if (++written < 4) await appendFile(path, `fine\nERROR ${String(written)}\n`);
    }
    expect(printed).toBe('error 0\nERROR 1\nERROR 2\nERROR 3\n');
    expect(await exit).toEqual([0, null]);
  });
});

describe('socket-afile', () => {
  it('gets the lines in capitals, and the number of bytes', async () => {
    expect(await run('socket-afile')).toBe('HELLO\nWORLD\n100000 bytes\n');
  });
});

it.each(['pipe-csum', 'pipe-grep', 'pipe-tail'])('%s says how it is used when it gets no file', async (name) => {
  const failed = run(name);
  await expect(failed).rejects.toMatchObject({ code: 2 });
  await expect(failed).rejects.toThrow(`usage: node examples/${name}.mjs FILE`);
});
