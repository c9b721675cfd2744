import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline } from '@aiopipe/subprocess';
import { fixture, guardPids, isRunning, leakCheck, runFixture, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(leakCheck());

/** A program of ours with a chain that never ends: its pid, those of its programs, and of what those have started. */
async function start(): Promise<{ parent: ChildProcess; own: number; pids: number[] }> {
  const parent = spawn(process.execPath, [fixture('run-for-ever')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
  const [own = 0, ...pids] = line.split(' ').map(Number);
  expect(pids).toHaveLength(4);
  return { parent, own, pids };
}

async function killed(parent: ChildProcess): Promise<void> {
  parent.kill('SIGKILL');
  await once(parent, 'exit');
}

describe.runIf(process.platform === 'linux')('the guard', () => {
  it('is one process for all chains', async () => {
    const chains = Array.from({ length: 300 }, () => pipeline(['sleep', '100']).lines());
    const waiting = chains.map((lines) => lines.next());
    const [guard, ...more] = guardPids();
    expect([typeof guard, more]).toEqual(['number', []]);
    await Promise.all(chains.map((lines) => lines.return()));
    await Promise.all(waiting);
    await pipeline(['true']).run();
    expect(guardPids()).toEqual([guard]);
  });

  it('has no descriptor, argument or variable of ours, and no memory to speak of', async () => {
    await pipeline(['true']).run();
    const [guard = 0] = guardPids();
    const about = (name: string) => readFileSync(`/proc/${String(guard)}/${name}`, 'utf8');
    await until(
      'it has dropped them',
      () => about('environ') === '' && readdirSync(`/proc/${String(guard)}/fd`).length === 2,
    );
    expect(about('cmdline')).toBe('');
    expect(Number(/VmRSS:\s*(\d+)/.exec(about('status'))?.[1])).toBeLessThan(5000);
  });

  it('that is killed has a successor, which ends all that the first one had', async () => {
    const { parent, own, pids } = await start();
    for (let i = 0; i < 3; i++) {
      const [guard = 0] = guardPids(own);
      process.kill(guard, 'SIGKILL');
      await until('there is another', () => guardPids(own).some((pid) => pid !== guard));
    }
    await killed(parent);
    await until('all have ended', () => !pids.some(isRunning));
  });

  it('ends what is stopped', async () => {
    const { parent, pids } = await start();
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await killed(parent);
    await until('all have ended', () => !pids.some(isRunning));
  });

  it('that is stopped goes on when its parent ends, and ends all its programs and itself', async () => {
    const { parent, own, pids } = await start();
    const [guard = 0] = guardPids(own);
    process.kill(guard, 'SIGSTOP');
    await killed(parent);
    await until('all have ended', () => ![guard, ...pids].some(isRunning));
  });

  it('leaves what a chain that has ended left behind', async () => {
    const { stdout } = await runFixture('leaves-something');
    const pid = Number(stdout);
    expect(isRunning(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });
});

describe('when a worker thread with a chain ends', () => {
  it('nothing is left, neither programs nor what they have started, stopped or not', async () => {
    const { stdout } = await runFixture('chain-in-a-worker');
    const pids = stdout.trim().split(' ').map(Number);
    expect(pids).toHaveLength(4);
    expect(pids.filter(isRunning)).toEqual([]);
  });
});
