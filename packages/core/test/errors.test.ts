import { describe, expect, test } from 'vitest';
import {
  AbortError,
  AiopipeError,
  BrokenPipeError,
  BusyError,
  ClosedError,
  IncompleteReadError,
  MovedError,
  SystemError,
  TimeoutError,
} from '@aiopipe/core';

const cause = new Error('why');

describe('every error', () => {
  test.each([
    [new ClosedError('m', { cause }), 'ClosedError', 'ERR_AIOPIPE_CLOSED'],
    [new MovedError('m', { cause }), 'MovedError', 'ERR_AIOPIPE_MOVED'],
    [new BusyError('m', { cause }), 'BusyError', 'ERR_AIOPIPE_BUSY'],
    [new TimeoutError('m', { cause }), 'TimeoutError', 'ERR_AIOPIPE_TIMEOUT'],
    [new AbortError('m', { cause }), 'AbortError', 'ABORT_ERR'],
    [new BrokenPipeError('m', { cause }), 'BrokenPipeError', 'EPIPE'],
    [new SystemError(-24, 'pipe', 'm', { cause }), 'SystemError', 'EMFILE'],
  ])('%s has its name, its code and its cause', (error, name, code) => {
    expect(error).toBeInstanceOf(AiopipeError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name, code, cause });
    expect(String(error)).toMatch(new RegExp(`^${name}: m`));
    expect(Object.keys(error)).not.toContain('name');
    expect(error.stack).toContain(name);
  });

  test('has no cause if none was given', () => {
    expect('cause' in new ClosedError('m')).toBe(false);
    expect('cause' in new AbortError('m', { cause: undefined })).toBe(true);
  });
});

test('a moved end is a closed end', () => {
  expect(new MovedError('m')).toBeInstanceOf(ClosedError);
});

test('IncompleteReadError carries what had come', () => {
  const error = new IncompleteReadError('m', Buffer.from('ab'), 5);
  expect(error).toMatchObject({ name: 'IncompleteReadError', code: 'ERR_AIOPIPE_INCOMPLETE_READ', expected: 5 });
  expect(error.partial.toString()).toBe('ab');
});

describe('SystemError', () => {
  test.each([
    [-2, 'ENOENT'],
    [-8, 'ENOEXEC'],
    [-13, 'EACCES'],
    [-24, 'EMFILE'],
    [-104, 'ECONNRESET'],
  ])('knows %i as %s', (errno, code) => {
    const error = new SystemError(errno, 'call', 'it failed', { path: '/a' });
    expect(error).toMatchObject({ code, errno, syscall: 'call', path: '/a' });
    expect(error.message).toMatch(new RegExp(`^it failed: ${code}: .+, call$`));
  });
});
