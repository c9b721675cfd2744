// Work of the layers that move handles: shared memory, Node's sockets, channels between unrelated processes, and calls.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { channel, connect, listen, type Hub } from '@aiopipe/codec';
import { startProcess, type ProcessHandle } from '@aiopipe/process';
import { isClear } from '../failures.js';
import { answersCalls, callChannel, makeCalls, serveCalls } from '../peers/calls.js';
import { handOver, usesMemory, type Handed, type HandedBack } from '../peers/memory.js';
import { SocketWorkers } from '../peers/sockets.js';
import { type World } from '../world.js';
import { amount, type Part, type Work } from './work.js';

async function memory(world: World): Promise<void> {
  const pair = channel<Handed, HandedBack>({ duplex: true });
  const child = startProcess(usesMemory, { args: [pair[1]], stderr: 'ignore' });
  await withChild(child, pair, async () => {
    const count = amount(world, 5, 50);
    for (let id = 0; id < count; id++) await handOver(world, pair[0], id);
  });
}

async function calls(world: World, all: Work): Promise<void> {
  const pair = callChannel();
  const child = startProcess(answersCalls, { args: [pair[1]], stderr: 'ignore' });
  await withChild(child, pair, async () => {
    const { remote } = serveCalls(pair[0]);
    const mayFail = (error: unknown) => all.mayFail && isClear(error);
    const { right, wrong } = await makeCalls(world, remote, amount(world, 30, 1000), mayFail);
    for (const what of wrong) world.check(false, what);
    world.count('calls', right);
  });
}

/** Uses a child that ends with its channel, and waits for that end: a child may take long to boot. */
async function withChild(child: ProcessHandle<unknown>, pair: Disposable, use: () => Promise<void>): Promise<void> {
  child.result.catch(() => undefined);
  try {
    await use();
  } finally {
    pair[Symbol.dispose]();
    await child.join().catch(() => undefined);
  }
}

async function sockets(world: World, all: Work): Promise<void> {
  await using workers = new SocketWorkers(world);
  await workers.start();
  const broken = await workers.exchange(amount(world, 3, 30));
  for (const { what } of broken) world.check(all.mayFail, what);
}

/** Connections to a hub of this process. */
async function rendezvous(world: World, all: Work): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'aiopipe-torture-hub-'));
  try {
    const path = join(directory, 'hub');
    using hub = listen<number, number>(path);
    // If it can accept no connection any more, its clients must not wait.
    const served = all
      .may('accepting', () => serve(hub, all))
      .finally(() => {
        hub[Symbol.dispose]();
      });
    const count = amount(world, 10, 300);
    await Promise.all(Array.from({ length: count }, (_, n) => all.may('a client', () => ask(world, path, n))));
    hub[Symbol.dispose]();
    await served;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function serve(hub: Hub<number, number>, all: Work): Promise<void> {
  for await (const { channel: accepted } of hub) {
    void all.may('answering', async () => {
      using own = accepted;
      for await (const n of own) await own.put(n);
    });
  }
}

/** Milliseconds. */
const PATIENCE = 15_000;

async function ask(world: World, path: string, n: number): Promise<void> {
  using own = await connect<number, number>(path);
  await own.put(n);
  // While no descriptor is free, perhaps because other clients have them, the hub does not accept it.
  const answer = await own.get({ timeout: PATIENCE });
  world.check(answer === n, `the hub answered ${String(answer)} to ${String(n)}`);
  world.count('messages');
}

export const HANDLE_PARTS: readonly Part[] = [memory, calls, sockets, rendezvous];
