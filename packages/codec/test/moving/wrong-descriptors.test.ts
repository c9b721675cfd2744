import { spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { constants, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { closeFd, fdsSince, leakCheck, openFd, openFds, writeTo } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';
import { aioduplex, aiopipe } from '@aiopipe/core';
import { channel, ChannelReader, EncodeError, serialize } from '@aiopipe/codec';
import { native } from '@aiopipe/core/internal';
import { errorOf, frameOf, messageOf } from '../channel/helpers.js';

afterAll(leakCheck());

const hasPython = spawnSync('python3', ['-c', 'import os; os.memfd_create']).status === 0;

const settings = { encoder: 'default', decoder: 'default', maxFrameLength: 1000, queueLimit: 1000 };
const ahead = { bytes: Buffer.alloc(0), tables: undefined };
const reading = { ahead: Buffer.of(1), ended: false };
const writing = { highWaterMark: 1000, closeTimeout: 100 };

/** Which ways a handle of each kind goes, and what describes it. */
const HANDLES: [kind: string, ways: 'r' | 'w' | 'rw' | '', data: unknown][] = [
  ['ReadEnd', 'r', undefined],
  ['WriteEnd', 'w', undefined],
  ['DuplexEnd', 'rw', undefined],
  ['PipeReader', 'r', reading],
  ['PipeWriter', 'w', writing],
  ['DuplexStream', 'rw', { reader: reading, writer: writing }],
  ['ChannelReader', 'r', { settings, ahead }],
  ['ChannelWriter', 'w', { settings }],
  ['Channel', 'rw', { settings, ahead }],
  ['SharedMemory', '', { byteLength: 100, readOnly: false }],
];

/** Returns the descriptor of a socket of node:dgram, which has no public name. */
function numberOf(socket: dgram.Socket): number {
  const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol');
  return (socket as unknown as Record<symbol, { handle: { fd: number } }>)[state as symbol]?.handle.fd ?? -1;
}

/** Descriptors of each kind, by name, with the directions that an end over them may have: none if no end can use them. */
interface Descriptors extends AsyncDisposable {
  readonly list: readonly [name: string, ways: readonly ('r' | 'w' | 'rw')[], fd: number][];
}

/** Node.js can make neither a terminal nor named memory. Python can, and both can be opened by path while it runs. */
async function makeTerminalAndMemory(): Promise<{ terminal: string; memory: string; end(): Promise<void> }> {
  const code = 'import os; print(os.ttyname(os.openpty()[1]), os.memfd_create("m"), flush=True); input()';
  const python = spawn('python3', ['-c', code], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(python.stdout), 'line')) as [string];
  const [terminal, fd] = line.split(' ') as [string, string];
  return {
    terminal,
    memory: `/proc/${String(python.pid)}/fd/${fd}`,
    async end() {
      python.stdin.end('\n');
      await once(python, 'close');
    },
  };
}

async function makeDescriptors(): Promise<Descriptors> {
  const directory = mkdtempSync(join(tmpdir(), 'aiopipe-'));
  const [rx, tx] = aiopipe();
  const [one, other] = aioduplex();
  const local = net.createServer().listen(join(directory, 'listens'));
  const remote = net.createServer().listen(0, '127.0.0.1');
  const datagrams = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await Promise.all([local, remote, datagrams].map((server) => once(server, 'listening')));
  const listener = (server: net.Server) => (server as unknown as { _handle: { fd: number } })._handle.fd;
  const maker = await makeTerminalAndMemory();
  const files = [
    openFd(join(directory, 'file'), constants.O_RDWR | constants.O_CREAT),
    openFd(directory, constants.O_RDONLY),
    openFd('/dev/null', constants.O_RDWR),
    openFd(maker.terminal, constants.O_RDWR | constants.O_NOCTTY),
    openFd(maker.memory, constants.O_RDWR),
  ];
  const [file = -1, folder = -1, empty = -1, terminal = -1, memory = -1] = files;
  return {
    list: [
      ["a pipe's read end", ['r'], rx.fd],
      ["a pipe's write end", ['w'], tx.fd],
      ['a socket', ['r', 'w', 'rw'], one.fd],
      ['a terminal', ['r', 'w', 'rw'], terminal],
      ['memory with a name', [], memory],
      ['a listening local socket', [], listener(local)],
      ['a listening TCP socket', [], listener(remote)],
      ['a datagram socket', [], numberOf(datagrams)],
      ['a file', [], file],
      ['a directory', [], folder],
      ['/dev/null', [], empty],
    ],
    async [Symbol.asyncDispose]() {
      for (const end of [rx, tx, one, other]) end.close();
      for (const fd of files) closeFd(fd);
      await maker.end();
      await Promise.all([local, remote].map((server) => promisify(server.close.bind(server))()));
      datagrams.close();
      await once(datagrams, 'close');
      rmSync(directory, { recursive: true });
    },
  };
}

test.runIf(hasPython).each(HANDLES)(
  'a %s over a descriptor of another kind is refused, and nothing leaks',
  async (kind, ways, data) => {
    await using descriptors = await makeDescriptors();
    for (const [name, possible, fd] of descriptors.list) {
      // A terminal is no way for messages: it gives back what is written.
      const isChannelOnTerminal = kind === 'Channel' && name === 'a terminal';
      if (ways !== '' && possible.includes(ways) && !isChannelOnTerminal) continue;
      const before = openFds();
      const [mine, tap] = aioduplex();
      const reader = ChannelReader.from(mine);
      // Some systems send without blocking only so.
      native().setNonblocking(tap.fd, 1);
      native().writeParts(tap.fd, [messageOf([kind, 1, data])], 0, true, Int32Array.of(fd));
      const error = await errorOf(reader.get());
      expect([name, error.code, error['fatal']]).toEqual([name, 'ERR_AIOPIPE_DECODE', false]);
      expect(error.message).toContain(`a received ${kind} could not be opened: fd `);
      writeTo(tap.fd, frameOf(serialize('next')));
      expect(await reader.get()).toBe('next');
      reader.close();
      tap.close();
      expect([name, fdsSince(before)]).toEqual([name, []]);
    }
  },
);

test('a handle whose descriptor other code has closed is refused, and the channel goes on', async () => {
  using pair = channel<unknown>();
  const [r, w] = pair;
  const [rx, tx] = aiopipe();
  using _tx = tx;
  const fd = native().duplicate(rx.fd);
  closeFd(rx.fd);
  const error = await errorOf(w.put({ rx }));
  expect(error).toBeInstanceOf(EncodeError);
  expect(error.message).toMatch(/read end made at .* cannot be sent: other code has closed its descriptor/);
  expect(rx.state).toBe('owned');
  await w.put('next');
  expect(await r.get()).toBe('next');
  expect(rx.release()).toBeGreaterThan(2);
  native().close(fd);
});
