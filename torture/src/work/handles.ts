// Work of the layers that move handles: shared memory, Node's sockets, channels between unrelated processes, and calls.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { channel, connect, listen, type Hub } from '@aiopipe/codec';
import { startProcess } from '@aiopipe/process';
import { isClear } from '../failures.js';
import { answersCalls, callChannel, makeCalls, serveCalls } from '../peers/calls.js';
import { handOver, usesMemory, type Handed, type HandedBack } from '../peers/memory.js';
import { SocketWorkers } from '../peers/sockets.js';
import { type World } from '../world.js';
import { amount, type Part, type Work } from './work.js';

async function memory(world: World): Promise<void> {
  const [here, there] = channel<Handed, HandedBack>({ duplex: true });
  using _there = there;
  using own = here;
  const child = startProcess(usesMemory, { args: [there], stderr: 'ignore' });
  child.result.catch(() => undefined);
  const count = amount(world, 5, 50);
  for (let id = 0; id < count; id++) await handOver(world, own, id);
}

async function calls(world: World, all: Work): Promise<void> {
  const [here, there] = callChannel();
  using _there = there;
  using own = here;
  const child = startProcess(answersCalls, { args: [there], stderr: 'ignore' });
  child.result.catch(() => undefined);
  const { remote } = serveCalls(own);
  const { right, wrong } = await makeCalls(
    world,
    remote,
    amount(world, 30, 1000),
    (error) => all.mayFail && isClear(error),
  );
  for (const what of wrong) world.check(false, what);
  world.count('calls', right);
}

async function sockets(world: World, all: Work): Promise<void> {
  using workers = new SocketWorkers(world);
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
