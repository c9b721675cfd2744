import { setTimeout as delay } from 'node:timers/promises';
import { pipeline, PipelineError, type Lines, type LinesOptions, type StageInput } from '@aiopipe/subprocess';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { collect, whatIsThere } from '../helpers.js';

afterAll(leakCheck());

describe('several calls of next() at once', () => {
  it('get the lines in the order of the calls, and then the end', async () => {
    const lines = pipeline(['sh', '-c', 'echo a; echo b; sleep 0.05; echo c']).lines();
    const results = await Promise.all(Array.from({ length: 5 }, () => lines.next()));
    expect(results.map(({ value }) => value)).toEqual(['a', 'b', 'c', undefined, undefined]);
    expect(results.map(({ done }) => done)).toEqual([false, false, false, true, true]);
  });
});

describe('forEach', () => {
  it('calls for each line, and resolves after the last', async () => {
    const seen: string[] = [];
    await pipeline(['printf', 'a\\n\\nb'])
      .lines()
      .forEach((line) => seen.push(line));
    expect(seen).toEqual(['a', '', 'b']);
  });

  it('waits for a promise before the next line', async () => {
    const seen: string[] = [];
    await pipeline(['printf', 'a\\nb\\n'])
      .lines()
      .forEach(async (line) => {
        seen.push(`${line} begins`);
        await delay(5);
        seen.push(`${line} ends`);
      });
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  it('waits for a chain, which runs only if it is awaited', async () => {
    const seen: string[] = [];
    await pipeline(['printf', 'a\\nb\\n'])
      .lines()
      .forEach((line) =>
        pipeline(['echo', line, 'was', 'run'], async (input) => {
          for await (const more of input.lines()) seen.push(more);
        }),
      );
    expect(seen).toEqual(['a was run', 'b was run']);
  });

  it('goes on where next() was', async () => {
    const lines = pipeline(['seq', '5']).lines();
    await lines.next();
    const seen: string[] = [];
    await lines.forEach((line) => seen.push(line));
    expect(seen).toEqual(['2', '3', '4', '5']);
    expect(await lines.next()).toEqual({ done: true, value: undefined });
  });

  it('refuses anything but a function before anything starts', async () => {
    const { children } = whatIsThere();
    await expect(
      pipeline(['yes'])
        .lines()
        .forEach(null as never),
    ).rejects.toThrow(/forEach: expected a function that takes a line, not null/);
    expect(children()).toEqual([]);
  });

  it.each([
    ['throws', () => 'a throw'],
    ['rejects', () => Promise.reject(new Error('a rejection'))],
  ])('ends the chain when the callback %s', async (_name, fail) => {
    const { fds, children } = whatIsThere();
    const callback = () => {
      const result = fail();
      if (typeof result === 'string') throw new Error(result);
      return result;
    };
    await expect(pipeline(['yes'], ['cat']).lines().forEach(callback)).rejects.toThrow(/a throw|a rejection/);
    expect([fds(), children()]).toEqual([[], []]);
  });

  it('rejects after the last line when a program fails', async () => {
    const seen: string[] = [];
    const lines = pipeline(['sh', '-c', 'echo a; printf b; exit 1']).lines();
    await expect(lines.forEach((line) => seen.push(line))).rejects.toThrow(PipelineError);
    expect(seen).toEqual(['a', 'b']);
  });
});

describe('return()', () => {
  it('before the first line starts nothing, and is the end', async () => {
    const { children } = whatIsThere();
    const lines = pipeline(['yes']).lines();
    expect(await lines.return()).toEqual({ done: true, value: undefined });
    expect(await lines.next()).toEqual({ done: true, value: undefined });
    expect(children()).toEqual([]);
  });

  it('drops the lines that have come and ends the chain', async () => {
    const { fds, children } = whatIsThere();
    const lines = pipeline(['yes']).lines();
    await lines.next();
    await lines.return();
    expect(await lines.next()).toEqual({ done: true, value: undefined });
    expect([fds(), children()]).toEqual([[], []]);
  });

  it('does not wait for a next() that waits, which gives the end then', async () => {
    const { fds, children } = whatIsThere();
    const lines = pipeline(['sleep', '600']).lines();
    const next = lines.next();
    await lines.return();
    expect(await next).toEqual({ done: true, value: undefined });
    expect([fds(), children()]).toEqual([[], []]);
  });

  it('does so of the lines that a function reads, too', async () => {
    const first = async function* (input: StageInput) {
      const lines = input.lines();
      const next = lines.next();
      await lines.return();
      yield `left: ${String((await next).done)}`;
    };
    expect(await collect(pipeline(['tail', '-f', '/dev/null'], first).lines())).toEqual(['left: true']);
  });

  it('is what throw() and disposal do, too', async () => {
    const { children } = whatIsThere();
    {
      await using lines = pipeline(['yes']).lines();
      await lines.next();
    }
    const others = pipeline(['yes']).lines();
    await others.next();
    await expect(others.throw(new Error('enough'))).rejects.toThrow('enough');
    expect(children()).toEqual([]);
  });
});

describe('records', () => {
  it('as bytes are right when a separator of several bytes lies across chunks of any size', async () => {
    const text = 'one\r\n\r\ntwo\rthree\r\nfour';
    for (let size = 1; size <= text.length; size++) {
      const input = async function* () {
        for (let at = 0; at < text.length; at += size) {
          yield text.slice(at, at + size);
          await delay(1);
        }
      };
      const records = await collect(pipeline(['cat']).lines({ input: input(), separator: '\r\n', encoding: 'buffer' }));
      expect(records.map(String)).toEqual(['one', '', 'two\rthree', 'four']);
    }
  });
});

describe('a source that gives many lines at once', () => {
  const endless = function* () {
    for (;;) yield '\n'.repeat(1_000_000);
  };

  it.each<[string, (lines: Lines<string>) => Promise<unknown>]>([
    ['a loop', (lines) => collect(lines)],
    ['forEach', (lines) => lines.forEach(() => undefined)],
    ['forEach with a promise', (lines) => lines.forEach(async () => Promise.resolve())],
  ])('leaves the event loop its turns: %s', async (_name, read) => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const controller = new AbortController();
    let lines = 0;
    const counting = async function* (input: StageInput) {
      for await (const chunk of input) {
        yield chunk;
        if (++lines === 3) controller.abort();
      }
    };
    const reading = read(pipeline(endless, counting).lines({ signal: controller.signal }));
    await expect(reading).rejects.toMatchObject({ code: 'ABORT_ERR' });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(20);
  });
});

describe('records of random chunks', () => {
  const alphabet = ['a', 'é', '€', '\r', '\n', '\0', '-'];
  // Numbers of one seed, so that a failure comes again.
  let seed = 1;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  const text = (length: number) => Array.from({ length }, () => alphabet[random(alphabet.length)]).join('');

  function* inChunks(bytes: Buffer, size: number) {
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + random(size);
      yield bytes.subarray(at, end);
      at = end;
    }
  }

  it.each<[LinesOptions, number]>([
    [{}, 5],
    [{}, 300_000],
    [{ maxLineLength: 1000 }, 50],
    [{ separator: '\0' }, 50],
    [{ separator: '\r\n' }, 5],
    [{ separator: '--', encoding: 'buffer' }, 5],
    [{ separator: '€', encoding: 'buffer' }, 300_000],
    [{ encoding: 'buffer' }, 50],
  ])('are those of split(): %j, chunks of up to %i bytes', async (options, size) => {
    for (let round = 0; round < 20; round++) {
      const whole = text(size > 1000 ? 200_000 : 500);
      const chunks = [...inChunks(Buffer.from(whole), size)];
      const expected = whole.split(options.separator ?? '\n');
      if (expected.at(-1) === '') expected.pop();
      const records = await collect<string | Buffer>(pipeline(() => chunks).lines(options));
      expect(records.map(String)).toEqual(expected);
    }
  });
});
