import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as subprocess from '@aiopipe/subprocess';
import { AsyncPipe, pipeline, popen } from '@aiopipe/subprocess';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, expect, it } from 'vitest';
import { errorOf } from '../helpers.js';

afterAll(leakCheck());

type Subprocess = typeof subprocess;

/** The same file, evaluated once more: what two versions in one program are to each other. */
async function otherCopy(): Promise<Subprocess> {
  const url = pathToFileURL(fileURLToPath(import.meta.resolve('@aiopipe/subprocess')));
  url.search = '?other-copy';
  return (await import(url.href)) as Subprocess;
}

it('a program of another copy of the package is refused by AsyncPipe, which says why', async () => {
  const other = await otherCopy();
  expect(other.popen).not.toBe(popen);
  const program = other.popen(['true'], { stdin: 'ignore', stdout: 'ignore' });
  const theirs = program as never;
  const mine = popen(['true'], { stdin: 'ignore', stdout: 'ignore' });
  const why = /it was started by another copy of @aiopipe\/subprocess; start it with popen\(\) of this copy$/;
  expect(errorOf(() => new AsyncPipe(theirs)).message).toMatch(/^first: /);
  expect(errorOf(() => new AsyncPipe(mine, theirs)).message).toMatch(why);
  expect(errorOf(() => new AsyncPipe(theirs))).toBeInstanceOf(TypeError);
  for (const wrong of [null, undefined, {}, 5, 'cat', ['cat'], { wait: () => undefined, closeEnds: () => undefined }]) {
    expect(errorOf(() => new AsyncPipe(mine, (wrong ?? null) as never)).message).toMatch(/^last: expected a program/);
  }
  await Promise.all([program.wait(), mine.wait()]);
});

it('a pipeline of another copy of the package is refused as a stage, which says why', async () => {
  const other = await otherCopy();
  const theirs = other.pipeline(['echo', 'x']);
  for (const join of [() => pipeline(theirs as never), () => pipeline(['cat']).pipe(theirs as never)]) {
    const error = errorOf(join);
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/^stage \d: it is a pipeline of another copy of @aiopipe\/subprocess/);
  }
  // It goes on to work where it belongs.
  expect((await theirs).stdout).toBe('x\n');
});
