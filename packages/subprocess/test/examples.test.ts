import { appendFile, open, writeFile } from 'node:fs/promises';
import { AsyncPipe, popen } from '@aiopipe/subprocess';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inDirectory, shell } from './helpers.js';

afterAll(leakCheck());

describe('a checksum through a pipe', () => {
  const text = Buffer.alloc(1_000_003, 'a line of a text file\n');
  let sum: string;
  beforeAll(() => {
    sum = shell('sha1sum', String(text));
  });

  it('by communicate, given the open file', () =>
    inDirectory(async (path) => {
      await writeFile(path('text'), text);
      await using file = await open(path('text'));
      await using pipe = new AsyncPipe(popen(['sha1sum'], { stdin: 'pipe', stdout: 'pipe' }));
      const [stdout] = await pipe.communicate(file);
      expect(String(stdout)).toBe(sum);
    }));

  it('by a feeder that writes blocks of 8 KiB in full, and a reader that reads to the end', () =>
    inDirectory(async (path) => {
      await writeFile(path('text'), text);
      await using pipe = new AsyncPipe(popen(['sha1sum'], { stdin: 'pipe', stdout: 'pipe' }));

      const feed = async () => {
        await using file = await open(path('text'));
        for (;;) {
          const { bytesRead, buffer } = await file.read(Buffer.alloc(8192), 0, 8192, null);
          if (bytesRead === 0) break;
          expect(await pipe.write(buffer.subarray(0, bytesRead), { full: true })).toBe(bytesRead);
        }
        await pipe.stdin.close();
      };
      const [stdout] = await Promise.all([pipe.read(), feed()]);
      expect(String(stdout)).toBe(sum);
    }));
});

describe('a search through chained programs', () => {
  const log = Array.from({ length: 5000 }, (_, i) => `${String(i)} ${i % 7 === 0 ? 'an ERROR' : 'fine'}\n`);

  it('with a writer and a line reader at once', async () => {
    const grep = popen(['grep', '-i', 'error'], { stdin: 'pipe', stdout: 'pipe' });
    const wc = popen(['wc'], { stdin: grep.stdout, stdout: 'pipe' });
    await using pipe = new AsyncPipe(grep, wc);

    const write = async () => {
      for (const line of log) await pipe.write(line);
      await pipe.stdin.close();
    };
    const read = async () => {
      const lines: string[] = [];
      for (;;) {
        const line = await pipe.readLine();
        if (line.length === 0) return lines;
        lines.push(String(line));
      }
    };
    const [lines] = await Promise.all([read(), write()]);
    expect(lines).toEqual([shell('grep -i error | wc', log.join(''))]);
  });

  it('of a file that grows, line by line as it does', () =>
    inDirectory(async (path) => {
      await writeFile(path('log'), 'error 0\n');
      const tail = popen(['tail', '-n', '+1', '-f', path('log')], { stdin: 'ignore', stdout: 'pipe' });
      const grep = popen(['grep', '--line-buffered', '-i', 'error'], { stdin: tail.stdout, stdout: 'pipe' });
      await using pipe = new AsyncPipe(tail, grep);
      expect(String(await pipe.readLine())).toBe('error 0\n');
      for (let i = 1; i <= 3; i++) {
        await appendFile(path('log'), `fine\nERROR ${String(i)}\n`);
        expect(String(await pipe.readLine())).toBe(`ERROR ${String(i)}\n`);
      }
    }));
});
