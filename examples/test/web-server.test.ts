import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';

afterAll(leakCheck());

const program = fileURLToPath(new URL('../web-server.mjs', import.meta.url));
const WORKERS = 4;

let server: ChildProcess;
let exit: Promise<unknown[]>;
let lines: Interface;
let port: number;
/** The workers' pids in the order of their starts. */
let workers: number[];

/** Resolves when the server has printed a line that fits. */
async function printed(pattern: RegExp): Promise<void> {
  for (;;) {
    const [line] = (await once(lines, 'line')) as [string];
    if (pattern.test(line)) return;
  }
}

/** Sends a request; resolves with the pid of the worker that answered, or undefined if the connection broke. */
async function ask(socket: Socket): Promise<number | undefined> {
  if (socket.destroyed) return undefined;
  const answer = new Promise<number | undefined>((resolve) => {
    let text = '';
    const look = (chunk: Buffer) => {
      text += chunk.toString();
      const [, pid] = /\r\n\r\n(?:[0-9a-f]+\r\n)?(\d+) \/\n/.exec(text) ?? [];
      if (pid !== undefined) done(Number(pid));
    };
    const broken = () => {
      done(undefined);
    };
    const done = (pid: number | undefined) => {
      socket.off('data', look).off('close', broken);
      resolve(pid);
    };
    socket.on('data', look).on('close', broken);
  });
  socket.write('GET / HTTP/1.1\r\nHost: example\r\n\r\n');
  return await answer;
}

async function connection(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

const connections = (count: number) => Promise.all(Array.from({ length: count }, connection));

describe.each(['moved', 'shared'])('web-server %s', (how) => {
  beforeEach(async () => {
    workers = [];
    server = spawn(process.execPath, [program, how, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    exit = once(server, 'exit');
    lines = createInterface({ input: server.stdout as NodeJS.ReadableStream });
    const listening = new Promise<number>((resolve) => {
      lines.on('line', (line) => {
        const [, what, number] = /^(worker|listening on) (\d+)$/.exec(line) ?? [];
        if (what === 'worker') workers.push(Number(number));
        else if (what !== undefined) resolve(Number(number));
      });
    });
    port = await listening;
  });

  afterEach(async () => {
    server.kill();
    expect(await exit).toEqual([0, null]);
  });

  it('answers every request of keep-alive connections, from several processes', async () => {
    const sockets = await connections(32);
    const answers = await Promise.all(
      sockets.map(async (socket) => {
        const pids = new Set<number | undefined>();
        for (let i = 0; i < 50; i++) pids.add(await ask(socket));
        return [...pids];
      }),
    );
    expect(answers.every((pids) => pids.length === 1 && workers.includes(pids[0] as number))).toBe(true);
    const pids = new Set(answers.flat());
    if (how === 'moved') expect(pids.size).toBe(WORKERS);
    else expect(pids.size).toBeGreaterThan(1);
    for (const socket of sockets) socket.destroy();
  });

  it('loses the connections of a killed worker, and no others; new ones are answered', async () => {
    const sockets = await connections(16);
    const before = await Promise.all(sockets.map(ask));
    const killed = before[0] as number;
    const restarted = printed(/^worker /);
    process.kill(killed, 'SIGKILL');
    await restarted;
    const after = await Promise.all(sockets.map(ask));
    expect(after).toEqual(before.map((pid) => (pid === killed ? undefined : pid)));
    const later = await Promise.all(
      (await connections(16)).map(async (socket) => [await ask(socket), socket.destroy()]),
    );
    expect(later.every(([pid]) => pid !== killed && workers.includes(pid as number))).toBe(true);
    for (const socket of sockets) socket.destroy();
  });

  it('replaces all workers under load, and no connection is refused or broken', async () => {
    const old = workers.slice(0, WORKERS);
    let isOver = false;
    const replaced = printed(/^all workers are new$/).then(() => (isOver = true));
    const answers: (number | undefined)[] = [];
    const clients = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        const socket = await connection();
        answers.push(await ask(socket));
        socket.destroy();
      }
    });
    server.kill('SIGHUP');
    await Promise.all([replaced, ...clients]);
    expect(answers.length).toBeGreaterThan(0);
    expect(answers.filter((pid) => pid === undefined)).toEqual([]);
    const socket = await connection();
    expect(old).not.toContain(await ask(socket));
    socket.destroy();
  });

  it('ends a connection after the request that it has when it is told to stop', async () => {
    const socket = await connection();
    const worker = await ask(socket);
    // Another connection of the same worker, which tells when that has heard of it.
    let idle = await connection();
    const others = [idle];
    while ((await ask(idle)) !== worker) others.push((idle = await connection()));
    socket.write('GET / HTTP/1.1\r\n');
    server.kill();
    await once(idle.resume(), 'close');
    let text = '';
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.write('Host: example\r\n\r\n');
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n(?:.*\r\n)*connection: close\r\n/i);
    for (const other of others) other.destroy();
    await exit;
  });
});
