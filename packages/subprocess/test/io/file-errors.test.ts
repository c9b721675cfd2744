import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { ClosedError, SystemError } from '@aiopipe/core';
import { AsyncPipe, pipeline, popen, tee, type OutputOption, type StageInput } from '@aiopipe/subprocess';
import { errorOf, leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(leakCheck());

function* shout() {
  yield 'shout';
}

async function* copy(input: StageInput) {
  for await (const chunk of input) yield chunk;
}

const FULL = '/dev/full';
const DIRECTORY = tmpdir();

describe('a file that fails gives a SystemError that says what it is, where, and why', () => {
  it.runIf(process.platform === 'linux').each<[string, () => Promise<unknown>, object, RegExp]>([
    [
      'an output of a function, by its path',
      () => pipeline(shout).run({ output: { file: FULL } }),
      { code: 'ENOSPC', syscall: 'write', path: FULL, cause: { code: 'ENOSPC' } },
      /^cannot write stdout of shout to "\/dev\/full": ENOSPC/,
    ],
    [
      'an output of a function, open',
      async () => {
        await using handle = await open(FULL, 'w');
        await pipeline(shout).run({ output: handle });
      },
      { code: 'ENOSPC', cause: { code: 'ENOSPC' } },
      /^cannot write stdout of shout: ENOSPC/,
    ],
    [
      'an output that is a directory',
      () => pipeline(shout).run({ output: { file: DIRECTORY } }),
      { code: 'EISDIR', syscall: 'open', path: DIRECTORY, cause: { code: 'EISDIR' } },
      /^cannot open ".*" as stdout of shout: EISDIR/,
    ],
    [
      'an output of a program that is a directory',
      () => pipeline(['true']).run({ output: { file: DIRECTORY } }),
      { code: 'EISDIR', path: DIRECTORY, cause: { code: 'EISDIR' } },
      /^cannot open ".*" as stdout of true: EISDIR/,
    ],
    [
      'a stderr that is a directory',
      () => pipeline({ argv: ['true'], stderr: { file: DIRECTORY } }).run(),
      { code: 'EISDIR', path: DIRECTORY, cause: { code: 'EISDIR' } },
      /^cannot open ".*" as stderr of true: EISDIR/,
    ],
    [
      'an input of a function that is a directory',
      () => pipeline(copy).run({ input: { file: DIRECTORY } }),
      { code: 'EISDIR', syscall: 'read', path: DIRECTORY, cause: { code: 'EISDIR' } },
      /^cannot read the input from ".*": EISDIR/,
    ],
    [
      'an input that is not there',
      () => pipeline(copy).run({ input: { file: '/no/file' } }),
      { code: 'ENOENT', path: '/no/file', cause: { code: 'ENOENT' } },
      /^cannot open "\/no\/file" as the input: ENOENT/,
    ],
    [
      'an input of communicate() that is a directory',
      async () => {
        await using pipe = new AsyncPipe(popen(['cat'], { stdin: 'pipe', stdout: 'pipe' }));
        await pipe.communicate({ file: DIRECTORY });
      },
      { code: 'EISDIR', path: DIRECTORY, cause: { code: 'EISDIR' } },
      /^cannot read the input from ".*": EISDIR/,
    ],
  ])('%s', async (_what, run, fields, message) => {
    // A function's failure is the cause of the chain's.
    let error: Error = await errorOf(run());
    if ((error as { code?: string }).code === 'ERR_AIOPIPE_PIPELINE') error = error.cause as Error;
    expect(error).toBeInstanceOf(SystemError);
    expect(error).toMatchObject(fields);
    expect(error.message).toMatch(message);
  });

  it.runIf(process.platform === 'linux')('the target of a tee()', async () => {
    const { cause } = await errorOf(pipeline(shout, tee({ file: FULL })).run());
    expect(cause).toBeInstanceOf(SystemError);
    expect((cause as Error).message).toMatch(/^cannot write the target of tee to "\/dev\/full": ENOSPC/);
  });
});

describe('a FileHandle that is closed while a chain uses it gives a ClosedError that says what it was', () => {
  it('as the output', async () => {
    const handle = await open('/dev/null', 'w');
    async function* closes() {
      yield 'one';
      await handle.close();
      yield 'two';
    }
    const error = await errorOf(pipeline(closes).run({ output: handle as OutputOption }));
    expect(error).toBeInstanceOf(ClosedError);
    expect(error.message).toBe('stdout of closes: the FileHandle was closed meanwhile');
    expect(error.cause).toBeInstanceOf(Error);
  });

  it('as the input', async () => {
    const handle = await open('/dev/zero');
    async function* closes(input: StageInput) {
      for await (const chunk of input) {
        yield chunk.subarray(0, 1);
        await handle.close();
      }
    }
    const error = await errorOf(pipeline(closes).run({ input: handle }));
    expect(error.cause).toBeInstanceOf(ClosedError);
    expect((error.cause as Error).message).toBe('the input: the FileHandle was closed meanwhile');
  });
});
