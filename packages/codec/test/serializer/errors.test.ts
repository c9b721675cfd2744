import { types } from 'node:util';
import { describe, expect, test } from 'vitest';
import { roundTrip } from './helpers.js';

describe('errors', () => {
  test.each([Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError])(
    '%o with message, stack, cause and fields',
    (Class) => {
      const error = Object.assign(new Class('broken', { cause: { code: 7 } }), {
        code: 'E_BROKEN',
        self: null as unknown,
      });
      error.self = error;
      const result = roundTrip(error);
      expect(Object.getPrototypeOf(result)).toBe(Class.prototype);
      expect(types.isNativeError(result)).toBe(true);
      expect([result.message, result.stack, result.name, result.code]).toEqual([
        'broken',
        error.stack,
        error.name,
        'E_BROKEN',
      ]);
      expect(result.cause).toEqual({ code: 7 });
      expect(result.self).toBe(result);
      expect(Object.keys(result)).toEqual(['code', 'self']);
    },
  );

  test('AggregateError', () => {
    const result = roundTrip(new AggregateError([new TypeError('a'), 'b'], 'several'));
    expect(result).toBeInstanceOf(AggregateError);
    expect(result.errors[0]).toBeInstanceOf(TypeError);
    expect(result.errors[1]).toBe('b');
    expect(Object.keys(result)).toEqual([]);
  });

  test('DOMException', () => {
    const error = new DOMException('stop', 'AbortError');
    const result = roundTrip(error);
    expect(result).toBeInstanceOf(DOMException);
    expect([result.name, result.message, result.code, result.stack]).toEqual(['AbortError', 'stop', 20, error.stack]);
  });

  test('a subclass that is not registered arrives as its built-in class, with its name', () => {
    class HttpError extends TypeError {
      override name = 'HttpError';
      constructor(readonly status: number) {
        super('not found');
      }
    }
    const result = roundTrip(new HttpError(404));
    expect(Object.getPrototypeOf(result)).toBe(TypeError.prototype);
    expect([result.name, result.status, result.message]).toEqual(['HttpError', 404, 'not found']);
  });

  test('a class whose getters compute message, stack and code loses none of them', () => {
    class LookupError extends RangeError {
      override get message() {
        return 'not there';
      }
      override get stack() {
        return 'LookupError: not there\n    at a line';
      }
      get code() {
        return 'E_LOOKUP';
      }
    }
    // V8 gives each error a stack of its own.
    const error = new LookupError();
    Reflect.deleteProperty(error, 'stack');
    const result = roundTrip(error);
    expect([result.message, result.stack, result.code]).toEqual([error.message, error.stack, 'E_LOOKUP']);
  });

  test('the error of a module that is not there says which', async () => {
    const error = await import(/* @vite-ignore */ `${import.meta.dirname}/not-there.js`).catch(
      (reason: unknown) => reason,
    );
    const { message, code } = error as NodeJS.ErrnoException;
    expect(message).toContain('not-there.js');
    expect(roundTrip(error)).toMatchObject({ message, code });
  });

  test('an error that lacks a message lacks it there too', () => {
    expect(Object.hasOwn(roundTrip(new Error()), 'message')).toBe(false);
    expect(Object.hasOwn(roundTrip(new Error()), 'cause')).toBe(false);
    expect(Object.hasOwn(roundTrip(new Error('', { cause: undefined })), 'cause')).toBe(true);
  });

  test('making the copy leaves the stack trace limit alone', () => {
    const before = Error.stackTraceLimit;
    roundTrip(new Error('x'));
    expect(Error.stackTraceLimit).toBe(before);
  });
});

test.each(['name', 'message'])('a DOMException can be sent even if its own %s is no text', (key) => {
  const exception = Object.defineProperty(new DOMException('text', 'AbortError'), key, { value: true });
  expect(roundTrip(exception)).toMatchObject({ [key]: key === 'name' ? 'AbortError' : true, code: 20 });
});
