import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, PipelineError, type Lines, type LinesOptions } from '@aiopipe/subprocess';
import { isRunning, leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, expectTypeOf, it } from 'vitest';
import { collect, inDirectory, shell, whatIsThere } from '../helpers.js';

afterAll(leakCheck());

describe('lines', () => {
  it('come without their newline, the last one too if it has none', async () => {
    expect(await collect(pipeline(['printf', 'a\\n\\nb']).lines())).toEqual(['a', '', 'b']);
    expect(await collect(pipeline(['printf', 'a\\nb\\n']).lines())).toEqual(['a', 'b']);
    expect(await collect(pipeline(['true']).lines())).toEqual([]);
  });

  it('are the shell’s, for any sizes of chunks', async () => {
    const lines = await collect(pipeline(['seq', '300000'], ['cat']).lines());
    expect(`${lines.join('\n')}\n`).toBe(shell('seq 300000'));
  });

  it.each<[string, string, LinesOptions]>([
    ['a character of several bytes', 'é€😀\n', {}],
    ['a separator of several bytes', 'one\r\ntwo\r\r\nthree\r\n', { separator: '\r\n' }],
    ['a separator that overlaps itself', 'a---b----c--', { separator: '--' }],
    ['a record that is only a separator', '\0\0a\0', { separator: '\0' }],
  ])('are right with %s, byte by byte', async (_name, text, options) => {
    const input = async function* () {
      for (const byte of Buffer.from(text)) {
        yield Buffer.of(byte);
        await delay(1);
      }
    };
    const expected = text.split(options.separator ?? '\n');
    if (expected.at(-1) === '') expected.pop();
    expect(await collect(pipeline(['cat']).lines({ ...options, input: input() }))).toEqual(expected);
    expect(await collect(pipeline(['cat']).lines({ ...options, input: text }))).toEqual(expected);
  });

  it.each(['utf8', 'latin1', 'buffer'] as const)('stay as they were when more has come, as %s', async (encoding) => {
    const lines = await collect<string | Buffer>(pipeline(['seq', '300000']).lines({ encoding } as LinesOptions));
    expect(`${lines.map(String).join('\n')}\n`).toBe(shell('seq 300000'));
  });

  it('may be very long', async () => {
    const long = 'x'.repeat(3_000_000);
    expect(await collect(pipeline(['cat']).lines({ input: `${long}\nshort\n${long}` }))).toEqual([long, 'short', long]);
  });
});

describe('records that end in NUL', () => {
  it('carry any file name, as bytes or as latin1', () =>
    inDirectory(async (path) => {
      mkdirSync(path('tree'));
      const names = [
        Buffer.from('new\nline'),
        Buffer.from('sp ace'),
        Buffer.from([0xff, 0xfe, 0x41]),
        Buffer.from('é'),
      ];
      for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${path('tree')}/`), name]), '');
      const chain = pipeline(['find', path('tree'), '-type', 'f', '-printf', '%f\\0'], {
        argv: ['sort', '-z'],
        env: { ...process.env, LC_ALL: 'C' },
      });
      const sorted = names.map((name) => name.toString('latin1')).sort();
      const asText = chain.lines({ separator: '\0', encoding: 'latin1' });
      expectTypeOf(asText).toEqualTypeOf<Lines<string>>();
      expect(await collect(asText)).toEqual(sorted);

      const asBytes = chain.lines({ separator: '\0', encoding: 'buffer' });
      expectTypeOf(asBytes).toEqualTypeOf<Lines<Buffer>>();
      expect((await collect(asBytes)).map((bytes) => bytes.toString('latin1'))).toEqual(sorted);
    }));
});

describe('leaving early', () => {
  it('ends the chain as a success, with nothing left', async () => {
    const { fds, children } = whatIsThere();
    for await (const line of pipeline(['yes', 'again'], ['cat']).lines()) {
      expect(line).toBe('again');
      break;
    }
    expect([fds(), children()]).toEqual([[], []]);
  });

  it('ends programs that don’t write, and what they have started', async () => {
    let grandchild = 0;
    for await (const line of pipeline(['sh', '-c', 'sleep 1000 & echo $!; wait'], ['cat']).lines()) {
      grandchild = Number(line);
      break;
    }
    expect(isRunning(grandchild)).toBe(false);
  });

  it('by a throw throws that', async () => {
    const reason = new Error('enough');
    const loop = async () => {
      for await (const _ of pipeline(['yes']).lines()) throw reason;
    };
    await expect(loop()).rejects.toBe(reason);
  });
});

describe('the chain', () => {
  it('starts with the first line that is asked for', async () => {
    const { children } = whatIsThere();
    const lines = pipeline(['echo', 'a']).lines();
    expect(children()).toEqual([]);
    expect(await lines.next()).toEqual({ done: false, value: 'a' });
    expect(await lines.next()).toEqual({ done: true, value: undefined });
  });

  it('that fails throws after the last line', async () => {
    const seen: string[] = [];
    const loop = async () => {
      for await (const line of pipeline(['sh', '-c', 'echo a; echo b; exit 1']).lines()) seen.push(line);
    };
    await expect(loop()).rejects.toThrow(PipelineError);
    expect(seen).toEqual(['a', 'b']);
  });

  it('waits for a consumer that is slow', async () => {
    const lines = pipeline(['sh', '-c', 'echo $$; seq 1000000']).lines();
    const pid = Number((await lines.next()).value);
    await delay(50);
    expect(isRunning(pid)).toBe(true);
    expect(await collect(lines)).toHaveLength(1_000_000);
  });

  it('takes an input that depends on its output', async () => {
    let answer: (line: string) => void = () => undefined;
    const input = async function* () {
      for (let line = 'a'; line.length < 5;) {
        yield `${line}\n`;
        line = await new Promise<string>((resolve) => (answer = resolve));
      }
    };
    const seen: string[] = [];
    for await (const line of pipeline(['cat']).lines({ input: input() })) {
      seen.push(line);
      answer(`${line}b`);
    }
    expect(seen).toEqual(['a', 'ab', 'abb', 'abbb']);
  });

  it('refuses bad options at once', () => {
    expect(() => pipeline(['cat']).lines({ separator: '' })).toThrow(TypeError);
    expect(() => pipeline(['cat']).lines({ encoding: 'hex' as 'utf8' })).toThrow(/'utf8', 'latin1' or 'buffer'/);
  });
});
