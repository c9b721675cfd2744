import { aiopipe, ReadEnd, WriteEnd } from '@aiopipe/core';
import { native } from '@aiopipe/core/internal';
import { leakCheck, writeTo } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';

afterAll(leakCheck());

test('a write does not block on a pipe that another owner has made blocking', async () => {
  const [rx, tx] = aiopipe();
  const writer = WriteEnd.fromFd(native().duplicate(tx.fd)).open();
  await writer.write('x');
  native().setNonblocking(tx.fd, 0);

  const written = writer.write(Buffer.alloc(1_000_000));
  const reader = rx.open();
  expect((await reader.readExactly(1_000_001)).length).toBe(1_000_001);
  await written;
  await writer.close();
  tx.close();
  reader.close();
});

test('a read does not block on a pipe that another owner has made blocking and read empty', async () => {
  const [rx, tx] = aiopipe();
  const reader = ReadEnd.fromFd(native().duplicate(rx.fd)).open();
  const waiting = reader.read(10);
  native().setNonblocking(rx.fd, 0);
  writeTo(tx.fd, 'there');
  expect((await waiting).toString()).toBe('there');
  const [again, timer] = [reader.read(10), new Promise((resolve) => setTimeout(resolve, 1, 'the loop goes on'))];
  expect(await timer).toBe('the loop goes on');
  tx.close();
  expect((await again).length).toBe(0);
  reader.close();
  rx.close();
});

test('a view that is transferred while readInto waits rejects with TypeError, and the stream loses nothing', async () => {
  const [rx, tx] = aiopipe();
  const reader = rx.open();
  const memory = new ArrayBuffer(16);
  const waiting = reader.readInto(new Uint8Array(memory));
  structuredClone(memory, { transfer: [memory] });
  writeTo(tx.fd, 'all');
  await expect(waiting).rejects.toThrow(TypeError);
  expect((await reader.read(10)).toString()).toBe('all');
  tx.close();
  reader.close();
});

test('data that is transferred while its write waits rejects with TypeError, and nothing hangs', async () => {
  const [rx, tx] = aiopipe();
  const writer = tx.open();
  const memory = new ArrayBuffer(1_000_000);
  const written = writer.write(new Uint8Array(memory));
  structuredClone(memory, { transfer: [memory] });
  const reader = rx.open();
  const reading = reader.read();
  await expect(written).rejects.toThrow(TypeError);
  await expect(writer.close()).rejects.toThrow(TypeError);
  expect((await reading).length).toBeLessThan(1_000_000);
  reader.close();
});

test('after SIGPIPE was listened to and is not any more, a write to a reader that is gone is an error', async () => {
  const listener = () => undefined;
  process.on('SIGPIPE', listener).off('SIGPIPE', listener);
  const [rx, tx] = aiopipe();
  rx.close();
  const writer = tx.open();
  await expect(writer.write(Buffer.alloc(20_000))).rejects.toMatchObject({ code: 'EPIPE' });
  writer.destroy();
});

test('a loop over small reads lets timers run', async () => {
  const [rx, tx] = aiopipe({ capacity: 1024 * 1024 });
  writeTo(tx.fd, Buffer.alloc(60_000));
  const reader = rx.open();
  const byte = Buffer.alloc(1);
  let count = 0;
  let seen = 0;
  setImmediate(() => (seen = count));
  for (; count < 60_000; count++) await reader.readInto(byte);
  expect(seen).toBeGreaterThan(0);
  reader.close();
  tx.close();
});

test('data that is transferred before any of it is written rejects its own write, and the others arrive', async () => {
  const [rx, tx] = aiopipe();
  const reader = rx.open();
  const writer = tx.open();
  const first = writer.write(Buffer.alloc(200_000, 'a')); // more than the pipe holds
  const memory = new ArrayBuffer(100_000);
  const lost = writer.write(new Uint8Array(memory));
  const next = writer.write(Buffer.alloc(100_000, 'b'));
  const small = writer.write('c');
  const drained = writer.drain();
  structuredClone(memory, { transfer: [memory] });

  const reading = reader.readExactly(300_001);
  await expect(lost).rejects.toThrow(/transferred or made smaller before any byte of it was written/);
  await expect(drained).rejects.toThrow(TypeError);
  await Promise.all([first, next, small]);
  expect((await reading).equals(Buffer.from('a'.repeat(200_000) + 'b'.repeat(100_000) + 'c'))).toBe(true);

  await writer.write('later');
  await writer.close();
  expect((await reader.read()).toString()).toBe('later');
  reader.close();
});

test('close() rejects with the loss of an unawaited write, and flushes the rest', async () => {
  const [rx, tx] = aiopipe();
  const reader = rx.open();
  const writer = tx.open();
  void writer.write(Buffer.alloc(200_000, 'a'));
  const memory = new ArrayBuffer(100_000);
  void writer.write(new Uint8Array(memory));
  void writer.write(Buffer.alloc(100_000, 'b'));
  structuredClone(memory, { transfer: [memory] });

  const closed = expect(writer.close()).rejects.toThrow(TypeError);
  expect((await reader.read()).length).toBe(300_000);
  await closed;
  await expect(writer.write('x')).rejects.toThrow(/closed/);
  reader.close();
});

test('data that is transferred after a part of it was written breaks the stream, and the error says where', async () => {
  const [rx, tx] = aiopipe();
  const writer = tx.open();
  const memory = new ArrayBuffer(1_000_000);
  const written = writer.write(new Uint8Array(memory));
  structuredClone(memory, { transfer: [memory] });
  const reader = rx.open();
  const reading = reader.read();
  await expect(written).rejects.toThrow(/after 65536 of 1000000 bytes were written: the stream is broken/);
  await expect(writer.write('x')).rejects.toThrow(/after 65536 of 1000000/);
  await expect(writer.close()).rejects.toThrow(TypeError);
  expect((await reading).length).toBe(65_536);
  reader.close();
});

test('a separator that is transferred while readUntil waits is still looked for', async () => {
  const [rx, tx] = aiopipe();
  const reader = rx.open();
  const separator = new Uint8Array([59, 59]);
  const waiting = reader.readUntil(separator);
  structuredClone(separator.buffer, { transfer: [separator.buffer] });
  writeTo(tx.fd, 'one;;two');
  expect((await waiting).toString()).toBe('one;;');
  tx.close();
  reader.close();
});
