import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { channel, QueueFullError } from '@aiopipe/codec';
import { aiopipe, BusyError, ClosedError } from '@aiopipe/core';
import { startProcess, target } from '@aiopipe/process';
import { childPids, fdsSince, fixture, leakCheck, openFds, runFixture } from '@aiopipe/testing';
import * as echoes from '../fixtures/echoes.js';
import { childrenSince, thrownBy } from '../helpers.js';

afterAll(leakCheck());

const moduleOf = (name: string) => pathToFileURL(fixture(name));

describe('a call that is wrong', () => {
  const nothingHappened = () => {
    const before = openFds();
    const children = childPids();
    return () => {
      expect(fdsSince(before)).toEqual([]);
      expect(childrenSince(children)).toEqual([]);
    };
  };

  test('with a bare function shows the line to write', () => {
    const check = nothingHappened();
    const start = startProcess as unknown as (what: unknown) => void;
    function greet() {
      return 1;
    }
    const error = thrownBy(() => start(greet));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(`target(import.meta.url, 'greet', greet)`);
    expect(thrownBy(() => start(() => 1)).message).toContain('target(import.meta.url');
    check();
  });

  test.each([[undefined], [null], [5], ['file.js'], [{}], [[]]])(
    'with %j for a target says what it expects',
    (what) => {
      const check = nothingHappened();
      const error = thrownBy(() => (startProcess as unknown as (what: unknown) => void)(what));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain('target()');
      check();
    },
  );

  test('of one name for two functions of a module is refused', async () => {
    const url = 'file:///a/module.js';
    const [one, other] = [() => 1, () => 2];
    target(url, 'one', one);
    target(url, 'other', other);
    expect(thrownBy(() => target(url, 'one', other)).message).toMatch(/module\.js.*"one"/);
    // This happens with another copy of the package, or with a loader that evaluates the module again.
    expect(target(url, 'one', one).run).toBe(one);
    await Promise.resolve();
    expect(target(url, 'one', other).run).toBe(other);
  });

  test('with a URL and no export, or with args that are no list', () => {
    const check = nothingHappened();
    const start = startProcess as unknown as (what: unknown, options?: unknown) => void;
    expect(thrownBy(() => start(moduleOf('echoes'))).message).toContain('export');
    expect(thrownBy(() => start(echoes.echo, { args: 'ab' })).message).toContain('args');
    check();
  });

  test('with an argument that cannot be sent names it, and takes nothing', () => {
    const [rx, tx] = aiopipe();
    const check = nothingHappened();
    const args = [tx, { jobs: [{ callback: () => undefined }] }] as const;
    const error = thrownBy(() => startProcess(echoes.echo, { args: [...args], stdout: 'pipe', stdin: 'pipe' }));
    expect(error.message).toMatch(/^args\[1\]\.jobs\[0\]\.callback: a function cannot be sent/);
    check();
    expect(tx.state).toBe('owned');
    rx.close();
    tx.close();
  });

  test('that is a daemon and detached throws', () => {
    expect(thrownBy(() => startProcess(echoes.echo, { args: [], daemon: true, detached: true })).message).toMatch(
      /^daemon, detached: /,
    );
  });

  test('with a handle that is gone, or in use, throws', async () => {
    const [rx, tx] = aiopipe();
    const [reader, writer] = channel();
    const waiting = reader.get();
    tx.close();
    const check = nothingHappened();
    expect(thrownBy(() => startProcess(echoes.echo, { args: [tx] }))).toBeInstanceOf(ClosedError);
    expect(thrownBy(() => startProcess(echoes.echo, { args: [reader] }))).toBeInstanceOf(BusyError);
    expect(thrownBy(() => startProcess(echoes.echo, { args: [rx, reader] }))).toBeInstanceOf(BusyError);
    check();
    expect(rx.state).toBe('owned');
    await writer.put('still here');
    expect(await waiting).toBe('still here');
    rx.close();
    reader.close();
    writer.close();
  });

  test('with more arguments than a message may hold throws', () => {
    const check = nothingHappened();
    const error = thrownBy(() => startProcess(echoes.echo, { args: [Buffer.alloc(257 * 1024 * 1024)] }));
    expect(error.code).toBe('ERR_AIOPIPE_FRAME_TOO_LONG');
    expect(error).not.toBeInstanceOf(QueueFullError);
    check();
  });
});

describe('a program that is its own process.execPath, as a single executable is,', () => {
  test.each(['process', 'pool'])('has no children of children, and says why: %s', async (kind) => {
    const { code, stderr } = await runFixture('runs-itself-again', { args: [kind] });
    expect(code).toBe(1);
    expect(stderr.match(/ran the program again.*docs\/packaging\.md/g)).toHaveLength(1);
    expect(stderr).toContain('exit code 1');
  });
});
