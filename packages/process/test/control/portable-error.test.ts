import { afterAll, describe, expect, test } from 'vitest';
import { ChildError, startProcess } from '@aiopipe/process';
import { leakCheck } from '@aiopipe/testing';
import {
  handledElsewhere,
  handledRejection,
  rejectLater,
  returnsAFunction,
  throwIt,
  throwLater,
} from '../fixtures/throws.js';
import { errorOf, type Failure } from '../helpers.js';

afterAll(leakCheck());

async function failureOf(what: string): Promise<Failure> {
  const child = startProcess(throwIt, { args: [what] });
  const error = await errorOf(child.result);
  expect(error).toBeInstanceOf(ChildError);
  expect(error.code).toBe('ERR_AIOPIPE_CHILD');
  expect(error).toMatchObject({ pid: child.pid, exitCode: 1, signalCode: null });
  expect(await child.join()).toEqual({ exitCode: 1, signalCode: null });
  return error;
}

const causeOf = async (what: string) => (await failureOf(what)).cause as Failure;

describe('what a child throws is the cause of its ChildError', () => {
  test('with name, message, stack, code, fields and causes', async () => {
    const failure = await failureOf('rich');
    expect(failure.message).toContain('HttpError: it went wrong');
    const cause = failure.cause as Failure;
    expect(cause).toBeInstanceOf(RangeError);
    expect(cause).toMatchObject({ name: 'HttpError', message: 'it went wrong', code: 'E_HTTP', status: 418 });
    expect(cause.stack).toMatch(/throws\.(js|ts)/);
    const inner = cause.cause as Failure;
    expect(inner).toBeInstanceOf(TypeError);
    expect(inner.message).toBe('the reason');
    expect(inner.cause).toEqual({ at: [1, 2n] });
  });

  test('without the fields that cannot be sent, at any depth, and with all others', async () => {
    const cause = await causeOf('unsendable');
    expect(cause).toBeInstanceOf(TypeError);
    expect(cause).toMatchObject({ name: 'TypeError', message: 'half of it', code: 'E_HALF', kept: [1, 2, 3] });
    expect(cause).not.toHaveProperty('socket');
    expect(cause.stack).toMatch(/throws\.(js|ts)/);
    expect(cause.cause).toMatchObject({ message: 'inner', n: 7 });
    expect(cause.cause).not.toHaveProperty('f');
  });

  test('if a cause leads back to its error', async () => {
    const cause = await causeOf('loop');
    expect(cause.message).toBe('in circles');
    expect(cause.cause).toBe(cause);
  });

  test('with all the errors of an AggregateError', async () => {
    const cause = (await causeOf('aggregate')) as Failure & AggregateError;
    expect(cause).toBeInstanceOf(AggregateError);
    expect(cause.message).toBe('all failed');
    expect(cause.errors.map((error: Error) => error.message)).toEqual(['one', 'two']);
    expect(cause.errors[1]).toBeInstanceOf(TypeError);
  });

  test('if reading a field of it throws', async () => {
    expect(await causeOf('getter')).toMatchObject({ message: 'with a trap' });
  });

  test('if it is no error', async () => {
    expect(await causeOf('string')).toBe('only text');
    expect(await causeOf('undefined')).toBeUndefined();
    expect((await causeOf('function')).message).toContain('cannot be sent');
    expect((await causeOf('bare')).message).toContain('cannot be sent');
  });

  test('if it is one of ours or of the platform', async () => {
    expect(await causeOf('ours')).toMatchObject({
      name: 'ClosedError',
      code: 'ERR_AIOPIPE_CLOSED',
      message: 'it was closed',
    });
    // The runtimes word it in different ways.
    const { message } = AbortSignal.abort().reason as DOMException;
    expect(await causeOf('abort')).toMatchObject({ name: 'AbortError', message });
  });

  test.each([
    ['was thrown outside of the function', throwLater, 'out of a timer'],
    ['rejected a promise outside of the function, and nothing handled it', rejectLater, 'not awaited'],
  ])('if it %s', async (_what, thrower, message) => {
    const child = startProcess(thrower, { stderr: 'ignore' });
    const error = await errorOf(child.result);
    expect(error).toMatchObject({ code: 'ERR_AIOPIPE_CHILD', exitCode: 1 });
    expect(error.cause).toBeInstanceOf(SyntaxError);
    expect(error.cause).toMatchObject({ message });
    await child.join();
  });

  test.each([
    ['an exception', handledElsewhere],
    ['a rejection', handledRejection],
  ])('but not if the child handled it: %s', async (_what, handled) => {
    const child = startProcess(handled);
    expect(await child.result).toBe('handled');
    expect(await child.join()).toEqual({ exitCode: 0, signalCode: null });
  });
});

test('a result that cannot be sent rejects, and names where', async () => {
  const child = startProcess(returnsAFunction);
  const error = await errorOf(child.result);
  expect(error.code).toBe('ERR_AIOPIPE_CHILD');
  expect(error.message).toMatch(/result\.a\[0\]: a function cannot be sent/);
  expect(await child.join()).toEqual({ exitCode: 1, signalCode: null });
});
