import { aiopipe, LineTooLongError } from '@aiopipe/core';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';

afterAll(leakCheck());

async function opened(text: string) {
  const [rx, tx] = aiopipe();
  const writer = tx.open();
  await writer.write(text);
  await writer.close();
  return rx.open({ maxLineLength: 8 });
}

test('a line of exactly the limit, newline and all, is read', async () => {
  const reader = await opened('1234567\nrest');
  expect((await reader.readLine()).toString()).toBe('1234567\n');
  reader.close();
});

test('a longer line is an error, and all of it is still there', async () => {
  const reader = await opened('12345678\nrest');
  const error: unknown = await reader.readLine().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LineTooLongError);
  expect(error).toMatchObject({ code: 'ERR_AIOPIPE_LINE_TOO_LONG', maxLineLength: 8 });
  await expect(reader.readLine()).rejects.toThrow(LineTooLongError);
  expect((await reader.read()).toString()).toBe('12345678\nrest');
  reader.close();
});

test('what never ends a line is an error before all of it has come', async () => {
  const [rx, tx] = aiopipe();
  const writer = tx.open();
  const reader = rx.open({ maxLineLength: 8 });
  const line = reader.readLine();
  await writer.write('123456789');
  await expect(line).rejects.toThrow(LineTooLongError);
  expect((await reader.read(100)).toString()).toBe('123456789');
  reader.close();
  writer.destroy();
});

test('lines() and readUntil() have the same limit', async () => {
  const reader = await opened('one\n123456789\n');
  const lines: string[] = [];
  await expect(
    (async () => {
      for await (const line of reader.lines()) lines.push(line);
    })(),
  ).rejects.toThrow(LineTooLongError);
  expect(lines).toEqual(['one']);
  await expect(reader.readUntil('\n')).rejects.toThrow(LineTooLongError);
  expect((await reader.read()).toString()).toBe('123456789\n');
  reader.close();
});

test('a limit that is none is refused before the end is opened', () => {
  const [rx, tx] = aiopipe();
  expect(() => rx.open({ maxLineLength: 0 })).toThrow(TypeError);
  expect(rx.state).toBe('owned');
  rx.close();
  tx.close();
});

test('a line that no string can hold rejects with LineTooLongError, and is still there', async () => {
  const [rx, tx] = aiopipe({ capacity: 1024 * 1024 });
  await using reader = rx.open({ maxLineLength: Infinity });
  const megabyte = Buffer.alloc(1024 * 1024, 'x');
  const written = (async () => {
    await using writer = tx.open();
    for (let i = 0; i < 513; i++) await writer.write(megabyte);
    await writer.write('\nnext\n');
  })();
  await expect(reader.lines().next()).rejects.toThrow(/a string cannot hold more/);
  expect((await reader.readLine()).length).toBe(513 * megabyte.length + 1);
  expect((await reader.lines().next()).value).toBe('next');
  await written;
});
