import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { AiopipeError, SystemError } from '@aiopipe/core';
import { pipeline, PipelineError, tee, type EndedChain, type Input, type StageInput } from '@aiopipe/subprocess';
import { errorOf, leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { collect, inDirectory, whatIsThere } from '../helpers.js';

afterAll(leakCheck());

interface Resize {
  resize(length: number): void;
}

type Ended = AiopipeError & EndedChain;

const talks = ['sh', '-c', 'echo err >&2; seq 3'];

async function* same(input: StageInput) {
  yield* input;
}

/** Each of these rejects with an error of ours that tells how the chain went, and has this file in its stack. */
async function failureOf(running: Promise<unknown>): Promise<Ended> {
  const error = (await errorOf(running)) as unknown as Ended;
  expect(error).toBeInstanceOf(AiopipeError);
  expect(error).toMatchObject({ stderr: expect.any(String), stages: expect.any(Array) });
  expect('stdout' in error).toBe(true);
  expect(error.stack).toContain('failures.test');
  return error;
}

async function withFile<T>(flags: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  return inDirectory(async (path) => {
    await using file = await open(path('file'), flags);
    return use(file);
  });
}

describe('a function whose output cannot be written', () => {
  it.each<[string, (file: FileHandle) => Promise<unknown>, string]>([
    [
      'to a device that is full',
      () => pipeline(talks, same).run({ output: { file: '/dev/full' } }),
      'cannot write stdout of same to "/dev/full": ENOSPC',
    ],
    ['to a directory', () => pipeline(talks, same).run({ output: { file: '/tmp' } }), 'stdout of same: EISDIR'],
    [
      'to a file that is closed meanwhile',
      async (file) => {
        const closing = async function* closing(input: StageInput) {
          for await (const chunk of input) {
            await file.close();
            yield chunk;
          }
        };
        await pipeline(talks, closing).run({ output: file });
      },
      'stdout of closing: the FileHandle was closed meanwhile',
    ],
  ])('%s gives an error that names the stage', async (_name, run, message) => {
    const { fds, children } = whatIsThere();
    const error = await withFile('w+', (file) => failureOf(run(file)));
    expect(error.message).toContain(message);
    expect(error.cause).toBeInstanceOf(Error);
    expect([fds(), children()]).toEqual([[], []]);
  });

  it('to a file opened for reading gives EBADF', async () => {
    await using file = await open('/etc/passwd');
    expect(await failureOf(pipeline(talks, same).run({ output: file }))).toMatchObject({ code: 'EBADF' });
  });

  it('by tee() is a stage that failed, with a SystemError as the cause', async () => {
    const error = await failureOf(pipeline(talks, tee({ file: '/dev/full' })).run());
    expect(error).toBeInstanceOf(PipelineError);
    expect(error.cause).toBeInstanceOf(SystemError);
    expect(error).toMatchObject({ stderr: 'err\n', cause: { code: 'ENOSPC' } });
  });
});

describe('an input that cannot be read', () => {
  const destroyed = () => {
    const stream = new Readable({ read: () => undefined });
    stream.push('abc');
    setImmediate(() => stream.destroy());
    return stream;
  };
  const locked = () => {
    const stream = new ReadableStream();
    stream.getReader();
    return stream;
  };
  const throws = () => {
    throw new Error('no');
  };
  const sources: [string, () => unknown, object][] = [
    ['a Node stream that fails', () => createReadStream('/no/such/file'), { code: 'ENOENT' }],
    ['a Node stream that is destroyed', destroyed, { code: 'ERR_STREAM_PREMATURE_CLOSE' }],
    ['a web stream that fails', () => new ReadableStream({ pull: throws }), { message: 'no' }],
    ['a web stream that is locked', locked, { code: 'ERR_INVALID_STATE' }],
    ['an iterable that cannot be iterated', () => ({ [Symbol.asyncIterator]: throws }), { message: 'no' }],
    ['an iterator without next()', () => ({ [Symbol.asyncIterator]: () => ({}) }), { name: 'TypeError' }],
    ['an iterable of numbers', () => [5].values(), { name: 'TypeError' }],
  ];

  it.each(sources)('of a program: %s gives a PipelineError that names the input', async (_name, source, cause) => {
    const { fds, children } = whatIsThere();
    const error = await failureOf(pipeline(['cat']).run({ input: source() as Input }));
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_PIPELINE', cause });
    expect(error.message).toMatch(/^`cat` failed: input: /);
    expect([fds(), children()]).toEqual([[], []]);
  });

  it.each(sources)('of a function: %s gives a PipelineError that names the stage', async (_name, source, cause) => {
    const error = await failureOf(pipeline(same).run({ input: source() as Input }));
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_PIPELINE', cause });
    expect(error.message).toMatch(/failed: same: /);
  });

  it.each<[string, string]>([
    ['/tmp', 'EISDIR'],
    ['/no/such/file', 'ENOENT'],
  ])('as a file, %s gives a SystemError as the cause', async (file, code) => {
    const error = await failureOf(pipeline(same).run({ input: { file } }));
    expect(error.cause).toBeInstanceOf(SystemError);
    expect(error.cause).toMatchObject({ code, path: file, message: expect.stringContaining('the input') });
  });

  it('as a FileHandle that is closed meanwhile gives a ClosedError as the cause', async () => {
    await using file = await open('/dev/zero');
    const closing = async function* closing(input: StageInput) {
      for await (const chunk of input) {
        if (file.fd >= 0) await file.close();
        yield chunk;
      }
    };
    const error = await failureOf(pipeline(closing).run({ input: file, output: 'ignore' }));
    expect(error).toMatchObject({ cause: { code: 'ERR_AIOPIPE_CLOSED' } });
  });

  it('streams its error, too', async () => {
    const run = () => ({ input: createReadStream('/no/such/file') });
    for (const stream of [
      () => collect(pipeline(['cat']).lines(run())),
      () => collect(pipeline(['cat']).bytes(run())),
      () => collect(pipeline(['cat']).toNode(run())),
      () => pipeline(['cat']).toWeb(run()).pipeTo(new WritableStream()),
    ]) {
      expect(await failureOf(stream())).toMatchObject({ code: 'ERR_AIOPIPE_PIPELINE', cause: { code: 'ENOENT' } });
    }
  });

  it('whose memory was transferred or made smaller is refused at once, or fails the chain', async () => {
    const gone = new Uint8Array(10);
    structuredClone(gone, { transfer: [gone.buffer] });
    await expect(pipeline(['cat']).run({ input: gone })).rejects.toThrow(/input: the memory of the bytes was transf/);
    // The types of Node.js 20 do not know it.
    const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer & Resize;
    const memory = new Resizable(8, { maxByteLength: 8 });
    const cut = new Uint8Array(memory, 4, 4);
    memory.resize(2);
    await expect(pipeline(['cat']).run({ input: cut })).rejects.toThrow(/input: the memory of the bytes was made sm/);
    const going = new Uint8Array(3_000_000);
    const running = pipeline(['sh', '-c', 'exec sleep 1000']).run({ input: going });
    structuredClone(going, { transfer: [going.buffer] });
    expect(await failureOf(running)).toMatchObject({ code: 'ERR_AIOPIPE_PIPELINE', cause: { name: 'TypeError' } });
  });
});

describe('a program that cannot be started', () => {
  const missing = pipeline(talks, ['no-such-program']);
  it.each<[string, () => Promise<unknown>]>([
    ['run()', () => missing.run()],
    ['await', async () => await pipeline(['no-such-program'])],
    ['lines()', () => collect(missing.lines())],
    ['bytes()', () => collect(missing.bytes())],
    ['toNode()', () => collect(missing.toNode())],
    ['toWeb()', () => missing.toWeb().pipeTo(new WritableStream())],
  ])('rejects with the place of the call and the stages before it: %s', async (_name, run) => {
    const error = await failureOf(run());
    expect(error).toMatchObject({ code: 'ENOENT', path: 'no-such-program' });
    expect(error.stages.every(({ name }) => name === 'sh')).toBe(true);
  });
});
