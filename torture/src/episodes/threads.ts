import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type World } from '../world.js';
import { type Episode } from './episode.js';

/** How many threads one process ends. */
const KILLS = 20;
const LOADS = 50;

/**
 * Node 20 itself aborts now and then while it ends a thread, also without the binding: the control shows how often. Such an abort
 * ends the process with the rest of its threads, and is no failure.
 */
const NODES_OWN_ABORT = 'NodePlatform::ForIsolate';

export const threadKills: Episode = {
  about: 'threads are ended while they start programs, open, read and pass handles: no crash, and nothing is left',
  async run(world) {
    await endThreads(world, 'kills', ['work', String(KILLS)], 'terminate()');
    await endThreads(world, 'kills', ['control', String(KILLS)], 'terminate() of a control');
  },
};

export const threadLoads: Episode = {
  about:
    'threads load the binding one after the other, and end: it is unloaded, and neither memory nor descriptors stay',
  async run(world) {
    await endThreads(world, 'loads', [String(LOADS)], 'unloading');
  },
};

/** Runs one of the programs in `threads`, in a process of its own: a crash ends that alone. */
async function endThreads(world: World, program: string, args: readonly string[], fault: string): Promise<void> {
  world.at(`${program} ${args.join(' ')}`);
  const path = fileURLToPath(new URL(`../threads/${program}.js`, import.meta.url));
  const words = ['--expose-gc', path, ...args, String(world.between(0, 2 ** 31))];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => {
      resolve(String(code ?? signal));
    });
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += String(chunk)));
  for await (const line of createInterface({ input: child.stdout })) {
    world.check(line === 'ended', line);
    if (line !== 'ended') continue;
    world.fault(fault);
    world.count('threads');
  }
  const end = await closed;
  if (end === 'SIGABRT' && stderr.includes(NODES_OWN_ABORT)) world.fault(`an abort of Node's own at ${fault}`);
  else world.check(end === '0', `${program} ${args.join(' ')} ended with ${end}: ${stderr}`);
}
