import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { OutputTooLongError, pipeline, type EndedChain, type StageInput } from '@aiopipe/subprocess';
import { blockUntil, errorOf, leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { inDirectory } from '../helpers.js';

afterAll(leakCheck());

type Ended = Error & EndedChain & { readonly code: string };

/** A program that writes, and then makes a file. */
const talks = (file: string, script = 'echo out; echo err >&2; : > "$0"; exec sleep 1000') => [
  'sh',
  '-c',
  script,
  file,
];

/**
 * The error of a run whose program makes a file once it has written. A program may take longer to start than the run's limit
 * allows, so that limit passes only then.
 */
async function endedAfterIt(run: (file: string) => Promise<unknown>): Promise<Ended> {
  return inDirectory(async (path) => {
    const error = errorOf(run(path('written')));
    // A web stream starts its chain after the call.
    await new Promise<void>((resolve) => {
      process.nextTick(resolve);
    });
    blockUntil('it has written', () => existsSync(path('written')));
    return (await error) as unknown as Ended;
  });
}

describe('the error of a chain that was ended', () => {
  it.each([
    ['timed out', () => ({ timeout: 100 }), 'ERR_AIOPIPE_TIMEOUT'],
    ['was aborted', () => ({ signal: AbortSignal.timeout(100) }), 'ABORT_ERR'],
    ['shares its stderr', () => ({ timeout: 100, stderr: 'shared' }) as const, 'ERR_AIOPIPE_TIMEOUT'],
  ])('has stdout, stderr and each stage’s status if it %s', async (_how, options, code) => {
    const error = await endedAfterIt((file) => pipeline(talks(file)).run(options()));
    expect([error.code, error.stdout, error.stderr]).toEqual([code, 'out\n', 'err\n']);
    expect(error.stages.map(({ signalCode }) => signalCode)).toEqual(['SIGTERM']);
  });

  it('has stdout in the encoding that was asked for', async () => {
    const options = { timeout: 100, encoding: 'buffer' } as const;
    const error = await endedAfterIt((file) => pipeline(talks(file)).run(options));
    expect(error.stdout).toEqual(Buffer.from('out\n'));
  });

  it('has the last words of programs that hear SIGTERM', async () => {
    const script = 'trap "echo last; echo words >&2; exit 3" TERM; echo out; : > "$0"; sleep 1000 & wait';
    const error = await endedAfterIt((file) => pipeline(talks(file, script)).run({ timeout: 100 }));
    expect([error.stdout, error.stderr]).toEqual(['out\nlast\n', 'words\n']);
    expect(error.stages[0]?.exitCode).toBe(3);
  });

  it('comes though a stray grandchild holds stdout', async () => {
    // The grandchild is out of the chain's group when it makes the file.
    const script = `echo out; setsid sh -c ': > "$0"; exec sleep 0.9' "$0" & exec sleep 1000`;
    const error = await endedAfterIt((file) => pipeline(talks(file, script)).run({ timeout: 100, grace: 60_000 }));
    expect([error.code, error.stdout]).toEqual(['ERR_AIOPIPE_TIMEOUT', 'out\n']);
  });

  it('has stderr and stages if its output was streamed', async () => {
    const chain = (file: string) => pipeline(talks(file), ['cat']);
    const options = { timeout: 100 };
    const failures = [
      await endedAfterIt((file) =>
        chain(file)
          .lines(options)
          .forEach(() => undefined),
      ),
      await endedAfterIt(async (file) => {
        for await (const _ of chain(file).bytes(options));
      }),
      await endedAfterIt((file) => chain(file).toNode(options).toArray()),
      await endedAfterIt((file) => chain(file).toWeb(options).pipeTo(new WritableStream())),
    ];
    for (const { code, stdout, stderr, stages } of failures) {
      expect([code, stdout, stderr, stages.length]).toEqual(['ERR_AIOPIPE_TIMEOUT', undefined, 'err\n', 2]);
    }
  });

  it('has stderr if there was too much output', async () => {
    const error = await errorOf(pipeline(['sh', '-c', 'echo err >&2; exec yes']).run({ maxOutput: 10 }));
    expect(error).toBeInstanceOf(OutputTooLongError);
    expect((error as unknown as OutputTooLongError).stderr).toBe('err\n');
  });
});

describe('after an abort or a timeout', () => {
  const many = pipeline(['seq', '20000']);

  it('no line comes, though many are there', async () => {
    const controller = new AbortController();
    const seen: string[] = [];
    const loop = async () => {
      for await (const line of many.lines({ signal: controller.signal })) {
        seen.push(line);
        if (seen.length === 3) controller.abort();
        await delay(0);
      }
    };
    expect((await errorOf(loop())).code).toBe('ABORT_ERR');
    expect(seen).toEqual(['1', '2', '3']);
  });

  it.each(['utf8', 'buffer'] as const)('forEach calls back no more, as %s', async (encoding) => {
    const controller = new AbortController();
    let count = 0;
    const lines = pipeline(['yes']).lines({ signal: controller.signal, encoding });
    const over = lines.forEach(() => {
      if (++count === 5) controller.abort();
    });
    expect((await errorOf(over)).code).toBe('ABORT_ERR');
    expect(count).toBe(5);
  });

  it('a slow loop over what is there already ends', async () => {
    const error = await errorOf(many.lines({ timeout: 200 }).forEach(() => delay(1)));
    expect(error.code).toBe('ERR_AIOPIPE_TIMEOUT');
  });

  it('a function reads no more lines', async () => {
    const controller = new AbortController();
    const seen: string[] = [];
    const stage = async function* (input: StageInput) {
      for await (const line of input.lines()) {
        seen.push(line);
        if (seen.length === 3) controller.abort();
        yield line;
      }
    };
    expect((await errorOf(pipeline(['seq', '20000'], stage).run({ signal: controller.signal }))).code).toBe(
      'ABORT_ERR',
    );
    expect(seen).toEqual(['1', '2', '3']);
  });

  it('a Node stream gives nothing that it had read ahead', async () => {
    const controller = new AbortController();
    const stream = pipeline(['yes']).toNode({ signal: controller.signal });
    let after = 0;
    const loop = async () => {
      for await (const _ of stream) {
        if (controller.signal.aborted) after++;
        await delay(5);
        controller.abort();
      }
    };
    expect((await errorOf(loop())).code).toBe('ABORT_ERR');
    expect(after).toBe(0);
  });
});

describe('a chain whose pieces are empty for ever', () => {
  function* empty(): Generator<string> {
    for (;;) yield '';
  }
  async function* emptyLater(): AsyncGenerator<Uint8Array> {
    for (;;) yield new Uint8Array(0);
  }
  const swallow = async (input: StageInput) => {
    for await (const _ of input);
  };

  it.each([
    ['an input', () => pipeline(['cat']).run({ input: empty(), timeout: 50 })],
    ['an input that awaits nothing', () => pipeline(['cat']).run({ input: emptyLater(), timeout: 50 })],
    ['the input of a function', () => pipeline(swallow).run({ input: empty(), timeout: 50 })],
    ['the output of the last function', () => pipeline(['true'], emptyLater).run({ timeout: 50 })],
    ['the output of a function before a program', () => pipeline(empty, ['cat']).run({ timeout: 50 })],
    ['lines of a function', () => pipeline(emptyLater).lines({ timeout: 50 }).next()],
  ])('is ended by its timeout: %s', async (_what, run) => {
    expect((await errorOf(run())).code).toBe('ERR_AIOPIPE_TIMEOUT');
  });
});
