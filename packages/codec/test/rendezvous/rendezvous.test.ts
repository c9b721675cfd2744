import { closeSync, existsSync, lstatSync, readdirSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { relative, join } from 'node:path';
import { connect, listen, type Channel, type Hub } from '@aiopipe/codec';
import { aiopipe, type ReadEnd } from '@aiopipe/core';
import { collectGarbage, fdsSince, leakCheck, openFds, runFixture, until } from '@aiopipe/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { errorOf, isPending, thrownBy } from '../channel/helpers.js';
import { echo, socketFolder, start } from './helpers.js';

const folder = socketFolder();
afterAll(leakCheck());

let paths = 0;
const newPath = () => join(folder, String(paths++));

/** A hub, and both ends of a connection to it. */
async function met(path = newPath()): Promise<{ hub: Hub; here: Channel; there: Channel }> {
  const hub = listen(path);
  const there = await connect(hub.path);
  const { channel: here } = await hub.accept();
  return { hub, here, there };
}

function closeAll(...all: { close(): void }[]): void {
  for (const one of all) one.close();
}

describe('A hub', () => {
  test('gives each client a channel in both directions, with the process that it is', async () => {
    const hub = listen<string, number>(newPath());
    const there = await connect<number, string>(hub.path);
    const { channel: here, peer } = await hub.accept();
    expect(peer).toEqual({ pid: process.pid, uid: process.geteuid?.(), gid: process.getegid?.() });
    await there.put(1);
    await here.put('one');
    expect([await here.get(), await there.get()]).toEqual([1, 'one']);
    closeAll(here, there, hub);
  });

  test('rejects the call that waits if the system refuses the connection that it has given, and goes on', async () => {
    let before = openFds();
    const newest = () => [...openFds().keys()].find((fd) => !before.has(fd)) ?? -1;
    let isFirst = true;
    const hub = listen(newPath(), {
      allow: () => {
        // No other way makes every call for the connection fail.
        if (isFirst) closeSync(newest());
        isFirst = false;
        return true;
      },
    });
    const there = [await connect(hub.path), await connect(hub.path)];
    before = openFds();
    expect(await errorOf(hub.accept())).toMatchObject({ code: 'EBADF' });
    const { channel } = await hub.accept();
    closeAll(channel, ...there, hub);
  });

  test('tells the pid of a process that is no relative of it', async () => {
    const hub = listen(newPath());
    const program = start('asks-at-a-path', hub.path);
    await program.line();
    program.go();
    const { channel, peer } = await hub.accept();
    expect(peer.pid).toBe(program.pid);
    await channel.put({ hello: peer.pid });
    expect(await program.line()).toBe(`{"hello":${String(program.pid)}}`);
    expect(await program.ended).toEqual([0, null]);
    closeAll(channel, hub);
  });

  test('takes clients that came before it was asked for one, in their order', async () => {
    const hub = listen(newPath());
    const clients = [await connect(hub.path), await connect(hub.path), await connect(hub.path)];
    for (const [index, client] of clients.entries()) await client.put(index);
    for (let index = 0; index < 3; index++) {
      const { channel } = await hub.accept();
      expect(await channel.get()).toBe(index);
      channel.close();
    }
    closeAll(hub, ...clients);
  });

  test('gives connections to the calls that wait, in their order', async () => {
    const hub = listen(newPath());
    const waiting = [hub.accept(), hub.accept()];
    for (const [index, accepted] of waiting.entries()) {
      const client = await connect(hub.path);
      const { channel } = await accepted;
      await client.put(index);
      expect(await channel.get()).toBe(index);
      closeAll(client, channel);
    }
    hub.close();
  });

  test('loses no client to a timeout or an abort', async () => {
    const hub = listen(newPath());
    expect(await errorOf(hub.accept({ timeout: 1 }))).toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    const controller = new AbortController();
    const aborted = hub.accept({ signal: controller.signal });
    controller.abort('enough');
    expect(await errorOf(aborted)).toMatchObject({
      code: 'ABORT_ERR',
      cause: 'enough',
      message: expect.stringMatching(/^hub at .* made at .*: no connection came/) as unknown,
    });
    const client = await connect(hub.path);
    const { channel } = await hub.accept({ timeout: 0 });
    closeAll(client, channel, hub);
  });

  test('goes on after a loop was left', async () => {
    const hub = listen(newPath());
    const clients = [await connect(hub.path), await connect(hub.path)];
    for await (const { channel } of hub) {
      channel.close();
      break;
    }
    (await hub.accept()).channel.close();
    closeAll(hub, ...clients);
  });

  test('ends its loops when it is closed, and rejects calls of accept', async () => {
    const hub = listen(newPath());
    const looped = (async () => {
      for await (const { channel } of hub) channel.close();
      return 'over';
    })();
    const accepted = errorOf(hub.accept());
    expect(await isPending(looped)).toBe(true);
    hub.close();
    expect(await looped).toBe('over');
    expect(await accepted).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
    expect(await errorOf(hub.accept())).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
    expect(thrownBy(() => hub[Symbol.asyncIterator]())).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
    expect(thrownBy(() => hub.close())).toMatchObject({ code: 'ERR_AIOPIPE_CLOSED' });
    hub[Symbol.dispose]();
  });

  test('is closed by `await using`, and its path is free then', async () => {
    const path = newPath();
    const served = await (async () => {
      await using hub = listen(path);
      const served = echo(hub);
      using client = await connect(path);
      await client.put('x');
      expect(await client.get()).toBe('x');
      return { done: served };
    })();
    await served.done;
    expect(existsSync(path)).toBe(false);
    expect(await errorOf(connect(path))).toMatchObject({ code: 'ENOENT', syscall: 'connect', path });
  });

  test('leaves channels open when it closes, and closes connections that were not accepted', async () => {
    const { hub, here, there } = await met();
    const unseen = await connect(hub.path);
    hub.close();
    await here.put('still');
    expect(await there.get()).toBe('still');
    expect(await errorOf(unseen.get())).toMatchObject({ code: 'ERR_AIOPIPE_END_OF_STREAM' });
    closeAll(here, there, unseen);
  });

  test('that is dropped is closed by the collector, with its path and a warning', async () => {
    const path = newPath();
    const before = openFds();
    const warnings: (Error & { code?: string })[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    await (async () => {
      const hub = listen(path);
      await errorOf(hub.accept({ timeout: 1 }));
    })();
    await until('the hub is closed', async () => {
      await collectGarbage();
      return fdsSince(before).length === 0;
    });
    await until('the warning came', () => warnings.length > 0);
    process.off('warning', note);
    expect(existsSync(path)).toBe(false);
    expect(warnings).toMatchObject([{ code: 'AIOPIPE_DROPPED' }]);
    expect(warnings[0]?.message).toMatch(/^A hub at .* made at .*rendezvous\.test\.ts:\d+:\d+ was dropped/);
  });
});

describe('A process with a hub', () => {
  test.each(['idle', 'idle-after-accept', 'accept-unref'])('ends by itself with %s', async (what) => {
    expect(await runFixture('holds-a-hub', { args: [newPath(), what] })).toMatchObject({ code: 0, stderr: '' });
  });

  test.each(['accept', 'accept-after-ref', 'loop'])('stays alive with %s', async (what) => {
    const path = newPath();
    const program = start('holds-a-hub', path, what);
    program.endInput();
    expect(await program.line()).toBe('waiting');
    const client = await connect(path);
    expect(await program.line()).toBe('accepted');
    expect(await program.ended).toEqual([0, null]);
    client.close();
  });

  test('keeps the hub while a call waits, though no variable refers to it', async () => {
    const args = [newPath(), 'dropped'];
    const result = await runFixture('holds-a-hub', { args, execArgv: ['--expose-gc'] });
    expect(result).toMatchObject({ code: 0, stdout: 'waiting\naccepted\n' });
  });
});

describe('The file of a socket', () => {
  test.each([
    ['no mode', undefined, 0o600],
    ['the mode 0o660', 0o660, 0o660],
    ['the mode 0o666', 0o666, 0o666],
    ['the mode 0o200', 0o200, 0o200],
  ])('with %s has its permissions, whatever the umask', (_, mode, expected) => {
    const before = process.umask();
    for (const umask of [0, 0o022, 0o177]) {
      process.umask(umask);
      const hub = listen(newPath(), { mode });
      process.umask(before);
      expect(lstatSync(hub.path).mode & 0o7777).toBe(expected);
      hub.close();
    }
  });

  test('is the one of the path as it was resolved when the hub was made', async () => {
    const path = newPath();
    const hub = listen(relative(process.cwd(), path));
    expect(hub.path).toBe(path);
    const cwd = process.cwd();
    process.chdir('/');
    try {
      const client = await connect(path.slice(1));
      client.close();
      hub.close();
    } finally {
      process.chdir(cwd);
    }
    expect(existsSync(path)).toBe(false);
  });

  test('is left alone by the close if it is another one by then', async () => {
    const path = newPath();
    const first = listen(path);
    unlinkSync(path);
    const second = listen(path);
    first.close();
    expect(statSync(path).isSocket()).toBe(true);
    (await connect(path)).close();
    renameSync(path, `${path}-moved`);
    second.close();
    expect(readdirSync(folder).filter((name) => name.includes('-moved'))).toHaveLength(1);
  });
});

describe.runIf(process.platform === 'linux')('An abstract name', () => {
  const name = `@aiopipe-test-${String(process.pid)}`;

  test('is listened at without a file, and is free after the close', async () => {
    for (let round = 0; round < 2; round++) {
      const hub = listen(name);
      expect(hub.path).toBe(name);
      expect(thrownBy(() => listen(name))).toMatchObject({ code: 'EADDRINUSE' });
      const client = await connect(name);
      const { peer, channel } = await hub.accept();
      expect(peer.pid).toBe(process.pid);
      expect(existsSync(name)).toBe(false);
      closeAll(client, channel, hub);
    }
    expect(await errorOf(connect(name))).toMatchObject({ code: 'ECONNREFUSED', path: name });
  });

  test('may have 107 bytes, and has no mode', async () => {
    const longest = `${name}${'x'.repeat(108 - name.length)}`;
    const hub = listen(longest);
    (await connect(longest)).close();
    hub.close();
    expect(() => listen(`${longest}y`)).toThrow(/108 bytes.*at most 107 bytes for an abstract name/);
    expect(() => listen(name, { mode: 0o600 })).toThrow(/^mode: an abstract socket has no permissions/);
    expect(() => listen('@')).toThrow(/^path: expected a name after '@'/);
  });
});

describe('Handles', () => {
  test('move over the channel of a hub', async () => {
    const { hub, here, there } = await met();
    const [rx, tx] = aiopipe();
    await there.put({ rx });
    expect(thrownBy(() => rx.fd).message).toMatch(/was handed to the peer of the channel end to .* made at/);
    const { rx: came } = (await here.get()) as { rx: ReadEnd };
    await using writer = tx.open();
    await writer.write('over the hub');
    await using reader = came.open();
    expect(String(await reader.read(100))).toBe('over the hub');
    const [other, mine] = aiopipe();
    await here.put({ other });
    expect(thrownBy(() => other.fd).message).toMatch(new RegExp(`was handed to process ${String(process.pid)}$`));
    mine.close();
    closeAll(here, there, hub);
  });

  test('move between unrelated processes, which then talk without the hub', async () => {
    const hub = listen<unknown, string>(newPath());
    const programs = [start('asks-at-a-path', hub.path, 'meet'), start('asks-at-a-path', hub.path, 'meet')];
    const channels = new Map<number, Channel<unknown, string>>();
    for (const program of programs) {
      await program.line();
      program.go();
    }
    for await (const { channel, peer } of hub) if (channels.set(peer.pid, channel).size === 2) break;
    hub.close();
    // A client's end of a connection moves like any other channel.
    const { hub: second, here, there } = await met();
    second.close();
    const [rx, tx] = aiopipe();
    const [one, two] = programs.map(({ pid }) => channels.get(pid) as Channel<unknown, string>);
    await one?.put({ friend: here, tx });
    await two?.put({ friend: there, rx });
    for (const channel of channels.values()) {
      expect(await channel.get()).toBe('have it');
      channel.close();
    }
    const [first, other] = await Promise.all(programs.map(async (p) => JSON.parse((await p.line()) ?? '') as unknown));
    expect(first).toEqual({ pid: programs[1]?.pid, text: '' });
    expect(other).toEqual({ pid: programs[0]?.pid, text: `from ${String(programs[0]?.pid)}` });
    for (const { ended } of programs) expect(await ended).toEqual([0, null]);
  });
});
