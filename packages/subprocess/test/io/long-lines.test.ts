import { LineTooLongError } from '@aiopipe/core';
import { pipeline, type LinesOptions, type StageInput } from '@aiopipe/subprocess';
import { errorOf, leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { collect, whatIsThere } from '../helpers.js';

afterAll(leakCheck());

const MiB = 1024 * 1024;

describe('a line that is too long', () => {
  it('rejects at 64 MiB, and ends the chain', async () => {
    const { fds, children } = whatIsThere();
    const error = await errorOf(collect(pipeline(['cat', '/dev/zero']).lines()));
    expect([error.code, error['maxLineLength']]).toEqual(['ERR_AIOPIPE_LINE_TOO_LONG', 64 * MiB]);
    expect((error['partial'] as Buffer).length).toBeLessThan(65 * MiB);
    expect(error['stages']).toHaveLength(1);
    expect([fds(), children()]).toEqual([[], []]);
  });

  it.each<[string, LinesOptions]>([
    ['text', {}],
    ['latin1', { encoding: 'latin1' }],
    ['bytes', { encoding: 'buffer' }],
    ['a short limit', { maxLineLength: 1000 }],
    ['a separator of several bytes', { separator: 'ab', maxLineLength: MiB }],
    ['NUL', { separator: '\0', maxLineLength: MiB }],
  ])('rejects as %s', async (_name, options) => {
    const error = await errorOf(
      pipeline(['yes', 'x'], ['tr', '-d', '\\n'])
        .lines(options)
        .forEach(() => undefined),
    );
    expect(error).toBeInstanceOf(LineTooLongError);
  });

  it('comes after the lines before it, and has all that no line was given of', async () => {
    for (const maxLineLength of [4, 100_000]) {
      const long = 'c'.repeat(maxLineLength);
      const input = `a\nbb\n${long}\nd\n`;
      const seen: string[] = [];
      const error = await errorOf(
        pipeline(['cat'])
          .lines({ input, maxLineLength })
          .forEach((line) => seen.push(line)),
      );
      expect(seen).toEqual(['a', 'bb']);
      expect(String(error['partial']).startsWith(long)).toBe(true);
    }
  });

  it('counts with its separator', async () => {
    for (const maxLineLength of [4, 100_000]) {
      const line = 'c'.repeat(maxLineLength - 1);
      const lines = pipeline(['cat']).lines({ input: `${line}\n${line}c`, maxLineLength });
      expect(await collect(lines)).toEqual([line, `${line}c`]);
    }
  });

  it('leaves the input of a function open: it reads on after what had come', async () => {
    const stage = async function* (input: StageInput) {
      const error = await errorOf(input.lines({ maxLineLength: 10 }).next());
      yield error['partial'] as Buffer;
      yield* input;
    };
    expect((await pipeline(['seq', '-s', ' ', '100000'], stage, ['md5sum']).run()).stdout).toBe(
      (await pipeline(['seq', '-s', ' ', '100000'], ['md5sum']).run()).stdout,
    );
  });

  it('may come in one piece that no string can hold', async () => {
    const stage = () => [Buffer.alloc(513 * MiB, 'x')];
    const error = await errorOf(pipeline(stage).lines({ maxLineLength: Infinity }).next());
    expect(error.code).toBe('ERR_AIOPIPE_LINE_TOO_LONG');
  });
});

describe('a separator', () => {
  it.each<LinesOptions>([
    { encoding: 'latin1', separator: '\u20ac' },
    { separator: '\ud800' },
    { encoding: 'buffer', separator: 'a\udc00' },
  ])('that the encoding does not have is refused: %j', (options) => {
    expect(() => pipeline(['true']).lines(options)).toThrow(/separator.*cannot be encoded in/);
  });

  it('may be any that it has', async () => {
    expect(await collect(pipeline(['printf', 'a\\351b']).lines({ encoding: 'latin1', separator: 'é' }))).toEqual([
      'a',
      'b',
    ]);
    expect(await collect(pipeline(['printf', 'a€b']).lines({ separator: '€' }))).toEqual(['a', 'b']);
  });
});
