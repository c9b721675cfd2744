// Terminals in messages, and as channels.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { aioduplex, DuplexEnd } from '@aiopipe/core';
import { native } from '@aiopipe/core/internal';
import { Channel, channel } from '@aiopipe/codec';
import { fixture, leakCheck, thrownBy } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';

afterAll(leakCheck());

/** Returns our end of a new pseudo-terminal, and the one of a program. */
function makeTerminal(): [ours: DuplexEnd, theirs: DuplexEnd] {
  const fds = new Int32Array(2);
  expect(native().terminal(fds, 80, 24)).toBe(0);
  const [master, theirs] = [...fds] as [number, number];
  return [DuplexEnd.fromFd(master), DuplexEnd.fromFd(theirs)];
}

test('our end of a terminal moves to another process, which reads and types there', async () => {
  const [ours, theirs] = aioduplex();
  const child = theirs.detach((lent) =>
    spawn(process.execPath, [fixture('types-what-it-sees')], { stdio: ['ignore', 'inherit', 'inherit', lent.fd] }),
  );
  const ended = once(child, 'close');
  using control = Channel.from(ours);
  const [end, ofProgram] = makeTerminal();
  await using program = ofProgram.open();
  await control.put(end);
  expect(end.state).toBe('moved');
  await program.writer.write('shown\n');
  expect(String(await program.reader.readLine())).toBe('SHOWN\n');
  await control.put('close it');
  expect(await ended).toEqual([0, null]);
});

test('an open stream of a terminal moves, with what it has read ahead', async () => {
  using pair = channel<unknown>();
  const [r, w] = pair;
  const [end, ofProgram] = makeTerminal();
  await using program = ofProgram.open();
  await program.writer.write('one\ntwo\n');
  const stream = end.open();
  expect(String(await stream.reader.readLine())).toBe('one\r\n');
  await w.put(stream);
  await using arrived = (await r.get()) as typeof stream;
  expect(String(await arrived.reader.readLine())).toBe('two\r\n');
  await arrived.writer.write('typed\r');
  expect(String(await program.reader.readLine())).toBe('typed\n');
});

test('a terminal is no channel: it stays where it was', () => {
  const [end, ofProgram] = makeTerminal();
  const error = thrownBy(() => Channel.from(end));
  expect(error.code).toBe('ERR_AIOPIPE_WRONG_KIND');
  expect(error.message).toMatch(/fd \d+ is not a socket: it cannot become a channel/);
  expect(end.state).toBe('owned');
  end.close();
  ofProgram.close();
});
