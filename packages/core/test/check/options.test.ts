import { aioduplex, aiopipe, AsyncFile, type PipeReader, type PipeWriter } from '@aiopipe/core';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { errorOf, readerAndTap, thrownBy } from '../helpers.js';

afterAll(leakCheck());

async function withStreams<T>(use: (reader: PipeReader, writer: PipeWriter) => T): Promise<Awaited<T>> {
  const [rx, tx] = aiopipe();
  using reader = rx.open();
  await using writer = tx.open();
  return await use(reader, writer);
}

async function withFiles<T>(use: (reading: AsyncFile, writing: AsyncFile) => T): Promise<Awaited<T>> {
  const [rx, tx] = aiopipe();
  await using reading = new AsyncFile(rx);
  await using writing = new AsyncFile(tx);
  return await use(reading, writing);
}

describe('A misspelt option is a TypeError that names what was meant', () => {
  test.each<[call: string, options: object, meant: string, run: (options: object) => unknown]>([
    ['read(n)', { timout: 1 }, 'timeout', (options) => withStreams((reader) => reader.read(1, options))],
    ['read()', { timeOut: 1 }, 'timeout', (options) => withStreams((reader) => reader.read(undefined, options))],
    [
      'readInto',
      { singal: 1 },
      'signal',
      (options) => withStreams((reader) => reader.readInto(Buffer.alloc(1), options)),
    ],
    ['readExactly', { timeoutMs: 1 }, 'timeout', (options) => withStreams((reader) => reader.readExactly(1, options))],
    ['readLine', { siez: 1 }, 'size', (options) => withStreams((reader) => reader.readLine(options))],
    ['readUntil', { TIMEOUT: 1 }, 'timeout', (options) => withStreams((reader) => reader.readUntil('x', options))],
    ['lines', { timout: 1 }, 'timeout', (options) => withStreams((reader) => reader.lines(options).next())],
    ['write', { timout: 1 }, 'timeout', (options) => withStreams((_, writer) => writer.write('x', options))],
    ['drain', { sgnal: 1 }, 'signal', (options) => withStreams((_, writer) => writer.drain(options))],
    ['close', { tiemout: 1 }, 'timeout', (options) => withStreams((_, writer) => writer.close(options))],
    ['AsyncFile.read', { ful: 1 }, 'full', (options) => withFiles((reading) => reading.read(1, options))],
    [
      'AsyncFile.readLine',
      { sizehint: 1 },
      'sizeHint',
      (options) => withFiles((reading) => reading.readLine(0, options)),
    ],
    ['AsyncFile.write', { fulll: 1 }, 'full', (options) => withFiles((_, writing) => writing.write('x', options))],
    ['AsyncFile.from', { timout: 1 }, 'timeout', (options) => AsyncFile.from(-1, options)],
  ])('%s %o', async (_call, options, meant, run) => {
    const error = await errorOf(Promise.resolve(run(options)));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(`${Object.keys(options)[0] as string}: unknown option; did you mean ${meant}?`);
  });

  test('aiopipe, aioduplex and open: nothing is opened', () => {
    expect(() => aiopipe({ capcity: 1 } as object)).toThrow('capcity: unknown option; did you mean capacity?');
    expect(() => aioduplex({ buffersize: 1 } as object)).toThrow('did you mean bufferSize?');
    const [rx, tx] = aiopipe();
    const [a, b] = aioduplex();
    expect(() => rx.open({ maxLineLenght: 1 } as object)).toThrow('did you mean maxLineLength?');
    expect(() => tx.open({ highwaterMark: 1 } as object)).toThrow('did you mean highWaterMark?');
    expect(() => a.open({ close_timeout: 1 } as object)).toThrow('did you mean closeTimeout?');
    for (const end of [rx, tx, a, b]) {
      expect(end.state).toBe('owned');
      end.close();
    }
  });

  test('one that is like none of them: the message lists them', () => {
    expect(() => aiopipe({ zzzzzzzz: 1 } as object)).toThrow('zzzzzzzz: unknown option; expected capacity');
  });

  test.each([[null], [5], ['timeout'], [['timeout']], [true], [() => 5]])(
    'options are an object, not %o',
    async (options) => {
      const error = await errorOf(withStreams((reader) => reader.read(1, options as object)));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/^options: expected an object/);
      expect(thrownBy(() => aiopipe(options as object)).message).toMatch(/^options: expected an object/);
    },
  );

  test('what extends Object.prototype is no option', async () => {
    Object.defineProperty(Object.prototype, 'extension', {
      value: 1,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    try {
      expect((await errorOf(withStreams((reader) => reader.read(1, { timeout: 0 })))).message).toContain('within 0 ms');
    } finally {
      delete (Object.prototype as { extension?: number }).extension;
    }
  });
});

describe('A timeout', () => {
  test.each([2 ** 31 - 1, 2 ** 31, 2 ** 40, Number.MAX_VALUE, Infinity])(
    'of %d ms waits, without a warning',
    async (timeout) => {
      const warnings: Error[] = [];
      const note = (warning: Error) => void warnings.push(warning);
      process.on('warning', note);
      const { reader, tx, feed } = readerAndTap();
      const read = reader.read(1, { timeout });
      await new Promise((resolve) => setTimeout(resolve, 5)); // longer than a timer waits whose time is too long for it
      feed('x');
      expect((await read).toString()).toBe('x');
      process.off('warning', note);
      expect(warnings).toEqual([]);
      reader.close();
      tx.close();
    },
  );

  test.each([[NaN], [-1], ['100'], [null], [10n], [{}]])('of %o is a TypeError that shows it', async (timeout) => {
    const error = await errorOf(withStreams((reader) => reader.read(1, { timeout: timeout as number })));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(typeof timeout === 'string' ? /not '100'$/ : /^timeout: expected milliseconds/);
    const [rx, tx] = aiopipe();
    expect(() => tx.open({ closeTimeout: timeout as number })).toThrow(TypeError);
    expect(tx.state).toBe('owned');
    rx.close();
    tx.close();
  });
});

describe('The error of a wait that was given up', () => {
  async function theCaller(options: { timeout?: number; signal?: AbortSignal }): Promise<unknown> {
    const { reader, tx } = readerAndTap();
    try {
      return await reader.read(1, options);
    } finally {
      reader.close();
      tx.close();
    }
  }

  test('has the line that waits in its stack, and names the end', async () => {
    const timeout = await errorOf(theCaller({ timeout: 1 }));
    const abort = await errorOf(theCaller({ signal: AbortSignal.timeout(1) }));
    const abortedBefore = await errorOf(theCaller({ signal: AbortSignal.abort() }));
    for (const error of [timeout, abort, abortedBefore]) {
      expect(error.stack).toContain('theCaller');
      expect(error.message).toMatch(/^read end made at .*: nothing came/);
    }
    expect(abort.message).toContain('aborted');
    expect(abort.code).toBe('ABORT_ERR');
  });
});
