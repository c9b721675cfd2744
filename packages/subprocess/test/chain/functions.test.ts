import { readFileSync } from 'node:fs';
import { pipeline as through } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { createGunzip } from 'node:zlib';
import { AbortError } from '@aiopipe/core';
import { $, pipeline, PipelineError, type StageInput } from '@aiopipe/subprocess';
import { isRunning, leakCheck, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { collect, shell, whatIsThere } from '../helpers.js';

afterAll(leakCheck());

async function* double(input: StageInput) {
  for await (const line of input.lines()) yield `${String(2 * Number(line))}\n`;
}

async function* same(input: StageInput) {
  yield* input;
}

async function* first(input: StageInput) {
  for await (const line of input.lines()) {
    yield `${line}\n`;
    return;
  }
}

const count = async (input: StageInput) => {
  let bytes = 0;
  for await (const chunk of input) bytes += chunk.length;
  return `${String(bytes)}\n`;
};

const never = () => new Promise<never>(() => undefined);

describe('a function', () => {
  it('runs between programs, and its result is among theirs', async () => {
    const { stdout, stages } = await pipeline(['seq', '3'], double, ['tac']).run();
    expect(stdout).toBe('6\n4\n2\n');
    expect(stages).toMatchObject([
      { name: 'seq', argv: ['seq', '3'], exitCode: 0 },
      { name: 'double', argv: undefined, pid: process.pid, exitCode: 0, signalCode: null, stderr: undefined },
      { name: 'tac', exitCode: 0 },
    ]);
  });

  it.each([
    ['at the beginning, with an input', pipeline(same, ['cat'])],
    ['at the end', pipeline(['cat'], same)],
    ['in the middle', pipeline(['cat'], same, ['cat'])],
    ['beside another', pipeline(['cat'], same, same, ['cat'])],
    ['alone', pipeline(same)],
    ['many times over', pipeline(same, ['cat'], same, ['cat'], same)],
  ])('passes on every byte: %s', async (_name, chain) => {
    const bytes = Buffer.from(shell('seq 300000'));
    const { stdout } = await chain.run({ input: bytes, encoding: 'buffer' });
    expect(Buffer.compare(stdout, bytes)).toBe(0);
  });

  it('is a source as the first stage', async () => {
    const source = function* () {
      for (let i = 0; i < 1000; i++) yield Buffer.from(`${String(i)}\n`);
    };
    expect((await pipeline(source, ['wc', '-l']).run()).stdout.trim()).toBe('1000');
  });

  it('may end with one piece, or with nothing', async () => {
    expect((await pipeline(['seq', '100000'], count).run()).stdout).toBe('588895\n');
    expect((await pipeline(['seq', '100000'], count, ['cat']).run()).stdout).toBe('588895\n');
    const seen: string[] = [];
    const sink = async (input: StageInput) => {
      for await (const line of input.lines()) seen.push(line);
    };
    expect((await pipeline(['seq', '3'], sink).run()).stdout).toBe('');
    expect(seen).toEqual(['1', '2', '3']);
  });

  it('can be a web stream or a Node stream', async () => {
    const gzip = (input: StageInput) => ReadableStream.from(input).pipeThrough(new CompressionStream('gzip'));
    const gunzip = (input: StageInput) => through(input, createGunzip(), () => undefined);
    const expected = shell('seq 100000 | md5sum');
    expect((await pipeline(['seq', '100000'], gzip, ['gunzip'], ['md5sum']).run()).stdout).toBe(expected);
    expect((await pipeline(['seq', '100000'], ['gzip'], gunzip, ['md5sum']).run()).stdout).toBe(expected);
    await expect(pipeline(['true'], gunzip, ['cat']).run()).rejects.toMatchObject({ cause: { code: 'Z_BUF_ERROR' } });
    expect((await pipeline(['seq', '100000'], ['gzip'], gunzip, ['head', '-1']).run()).stdout).toBe('1\n');
    expect((await pipeline(['yes'], gzip, ['true']).run()).stdout).toBe('');
  });

  it('reads records as lines() has them', async () => {
    const reverse = async function* (input: StageInput) {
      for (const name of (await collect(input.lines({ separator: '\0', encoding: 'buffer' }))).reverse()) {
        yield name;
        yield '\0';
      }
    };
    expect((await pipeline(['printf', 'a\\0b\\nb\\0'], reverse).run()).stdout).toBe('b\nb\0a\0');
  });

  it('starts anew with every run', async () => {
    const chain = pipeline(['seq', '2'], double);
    expect((await chain.run()).stdout + (await chain.run()).stdout).toBe('2\n4\n2\n4\n');
  });

  it('that has enough ends the programs before it, as a success', async () => {
    const { fds, children } = whatIsThere();
    const { stdout, stages } = await pipeline(['yes'], ['cat'], first, ['cat']).run();
    expect(stdout).toBe('y\n');
    expect(stages.slice(0, 2)).toMatchObject([{ signalCode: 'SIGPIPE' }, { signalCode: 'SIGPIPE' }]);
    expect([fds(), children()]).toEqual([[], []]);
  });

  it('ends as a success when its output is not read any more', async () => {
    const events: string[] = [];
    const source = async function* (_input: StageInput, signal: AbortSignal) {
      signal.addEventListener('abort', () => events.push('abort'));
      try {
        for (;;) {
          yield 'y\n';
          await Promise.resolve();
        }
      } finally {
        events.push('finally');
      }
    };
    const { stdout, stages } = await pipeline(source, ['head', '-1']).run();
    expect([stdout, stages[0]?.exitCode, events]).toEqual(['y\n', 0, ['abort', 'finally']]);
    expect((await pipeline(source, first).run()).stdout).toBe('y\n');
  });

  it('gets an error instead of input if its output is not read, and does not see an end', async () => {
    let reason: unknown;
    const waiting = async function* (input: StageInput) {
      yield 'a\n';
      try {
        await collect(input);
      } catch (error) {
        reason = error;
      }
    };
    const abort = new AbortController();
    const running = pipeline(['sleep', '1000'], waiting, ['head', '-1']).run({ signal: abort.signal });
    await until('it has heard', () => reason !== undefined);
    expect(reason).toMatchObject({
      code: 'ABORT_ERR',
      message: expect.stringMatching(/the reader of its output left/),
    });
    abort.abort();
    await expect(running).rejects.toThrow(AbortError);
  });

  it('holds up the chain for at most the grace, also if it never returns', async () => {
    const stuck = async function* () {
      yield 'a\n';
      await never();
    };
    expect((await pipeline(stuck, ['head', '-1']).run({ grace: 50 })).stdout).toBe('a\n');
    await expect(pipeline(stuck).run({ grace: 50, timeout: 50 })).rejects.toThrow(/did not end within 50 ms/);
    for await (const line of pipeline(stuck).lines({ grace: 50 })) {
      expect(line).toBe('a');
      break;
    }
  });

  it('waits for a stage after it that is slow', async () => {
    let made = 0;
    const source = function* () {
      for (; made < 1000; made++) yield Buffer.alloc(64 * 1024);
    };
    const slow = async function* (input: StageInput) {
      const chunks = input[Symbol.asyncIterator]();
      await chunks.next();
      yield String(made);
    };
    const { stdout } = await pipeline(source, ['cat'], slow).run();
    expect(Number(stdout)).toBeLessThan(20);
  });

  it('makes the programs before it wait while it is slow', async () => {
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    let program = 0;
    const slow = async function* (input: StageInput) {
      const lines = input.lines();
      program = Number((await lines.next()).value);
      await gate;
      for await (const line of lines) yield `${line}\n`;
    };
    const running = pipeline(['sh', '-c', 'echo $$; exec seq 1000000'], slow, ['tail', '-1']).run();
    const written = () => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${String(program)}/io`, 'utf8'))?.[1]);
    await until('the pipe is full', () => program > 0 && written() >= 64 * 1024);
    expect(written()).toBeLessThan(256 * 1024);
    go();
    expect((await running).stdout).toBe('1000000\n');
  });

  it('that waits for nothing and never ends leaves the event loop its turns', async () => {
    const endless = function* () {
      for (;;) yield 'x\n';
    };
    const limited = { timeout: 50, output: 'ignore' } as const;
    await expect(pipeline(endless).run(limited)).rejects.toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    await expect(pipeline(endless, ['cat']).run(limited)).rejects.toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
  });

  it('is not held up by what programs have left behind', async () => {
    const { stdout } = await pipeline(['sh', '-c', 'setsid sleep 1000 & echo $!'], same).run({ grace: 100 });
    expect(isRunning(Number(stdout))).toBe(true);
    process.kill(Number(stdout), 'SIGKILL');
  });
});

describe('a function that throws', () => {
  const reason = new RangeError('no such thing');
  const failing = async function* failing(input: StageInput) {
    for await (const line of input.lines()) {
      yield `${line}\n`;
      throw reason;
    }
  };

  it('is a stage that failed, and the error’s cause', async () => {
    const error = await pipeline(['seq', '10'], failing, ['cat'])
      .run()
      .catch((thrown: unknown) => thrown);
    if (!(error instanceof PipelineError)) throw new Error('it succeeded');
    expect(error.cause).toBe(reason);
    expect(error.stages[1]).toMatchObject({ name: 'failing', exitCode: 1, error: reason });
    expect(error.message).toMatch(
      /^`seq 10 \| \[Function: failing\] \| cat` failed: failing: RangeError: no such thing\n/,
    );
  });

  it('ends programs that would run for ever', async () => {
    const { fds, children } = whatIsThere();
    const failed = pipeline(['sh', '-c', 'echo a; exec sleep 1000'], failing, ['cat']).run();
    await expect(failed).rejects.toMatchObject({ code: 'ERR_AIOPIPE_PIPELINE', cause: reason });
    expect([fds(), children()]).toEqual([[], []]);
  });

  it('lets no program after it take what came for all of it', async () => {
    const sums = ['sh', '-c', 'cat >/dev/null; echo complete'];
    for (let i = 0; i < 20; i++) {
      await expect(pipeline(failing, sums).run({ input: 'a\n' })).rejects.toMatchObject({ stdout: '' });
    }
  });

  it('as the last stage keeps what it gave', async () => {
    await expect(pipeline(['seq', '10'], failing).run()).rejects.toMatchObject({ stdout: '1\n', cause: reason });
    const seen: string[] = [];
    const loop = async () => {
      for await (const line of pipeline(['seq', '10'], failing).lines()) seen.push(line);
    };
    await expect(loop()).rejects.toMatchObject({ cause: reason });
    expect(seen).toEqual(['1']);
  });

  it('shows no more of its message than a page', async () => {
    const error = await pipeline(['true'], () => Promise.reject(new Error('x'.repeat(1_000_000))))
      .run()
      .catch((reason: unknown) => reason as Error);
    expect((error as Error).message.length).toBeLessThan(10_000);
  });

  it('can throw undefined, or before its first await', async () => {
    const throws = (error: unknown) => () => {
      throw error;
    };
    const failed = pipeline(['yes'], throws(undefined)).run();
    await expect(failed).rejects.toThrow(/\(anonymous\): it threw undefined/);
    await expect(pipeline(throws(reason), ['cat']).run()).rejects.toMatchObject({ cause: reason });
  });

  it('includes one that yields a number, or returns one', async () => {
    const wrong = async function* wrong() {
      yield 5 as never;
    };
    await expect(pipeline(wrong, ['cat']).run()).rejects.toThrow(/wrong: expected bytes or strings.*not 5/);
    await expect(
      pipeline(function odd() {
        return 5 as never;
      }).run(),
    ).rejects.toThrow(/odd: expected bytes, a string, an iterable of those or undefined.*not 5/);
  });

  it('has the error of the input as its own', async () => {
    const input = (function* () {
      yield 'a';
      throw reason;
    })();
    await expect(pipeline(same, ['cat']).run({ input })).rejects.toMatchObject({
      cause: reason,
      stages: [{ name: 'same', error: reason }, {}],
    });
  });

  it('after the chain was ended counts no more', async () => {
    const abort = new AbortController();
    const throwing = async function* (input: StageInput, signal: AbortSignal) {
      signal.addEventListener('abort', () => undefined);
      yield 'started\n';
      await collect(input);
    };
    const lines = pipeline(['sleep', '1000'], throwing).lines({ signal: abort.signal });
    await lines.next();
    abort.abort('enough');
    await expect(lines.next()).rejects.toThrow(AbortError);
  });
});

describe('a chain in a chain', () => {
  it('is all of its stages', async () => {
    const doubled = pipeline(['seq', '3'], double);
    const { stdout, stages } = await pipeline(doubled, ['tac']).run();
    expect([stdout, stages.length]).toEqual(['6\n4\n2\n', 3]);
    expect((await doubled.pipe(double, ['tac']).run()).stdout).toBe('12\n8\n4\n');
    expect((await $`seq 3`.pipe(doubled, $`cat`).run()).stdout).toBe('2\n4\n6\n');
  });
});

it('all reads of a function’s input that wait end with the chain', async () => {
  const reads: Promise<unknown>[] = [];
  const stop = new AbortController();
  const stage = async (input: StageInput) => {
    const chunks = input[Symbol.asyncIterator]();
    reads.push(chunks.next(), chunks.next());
    stop.abort();
    await reads[0];
  };
  const running = pipeline(['sleep', '1000'], stage).run({ signal: stop.signal });
  await expect(running).rejects.toMatchObject({ code: 'ABORT_ERR' });
  const ends = await Promise.allSettled(reads);
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
