import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { leakCheck, until } from '@aiopipe/testing';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';

afterAll(leakCheck());

const program = fileURLToPath(new URL('../pool-server.mjs', import.meta.url));
const NAMESPACE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
const hasNamespaces = spawnSync('unshare', [...NAMESPACE.slice(1), 'true']).status === 0;

/** The children of a process, zombies among them. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8')
    .split(' ')
    .filter(Boolean)
    .map(Number);

const stateOf = (pid: number) => /\) (\w)/.exec(readFileSync(`/proc/${String(pid)}/stat`, 'utf8'))?.[1];

const plain: [string, string[]] = ['a process', []];
const first: [string, string[]] = ['process 1 of a namespace', NAMESPACE];

describe.each([plain, ...(process.platform === 'linux' ? [first] : [])])('pool-server as %s', (_, before) => {
  const isPossible = before.length === 0 || hasNamespaces;
  const run = it.runIf(isPossible);
  let started: ChildProcess;
  let exit: Promise<unknown[]>;
  let port: number;
  let agent: Agent;
  /** The server's own id; in a namespace, as it is called outside of that. */
  let pid: number;

  async function start(deadline: string): Promise<void> {
    const [file = '', ...args] = [...before, process.execPath, program, '0', deadline];
    started = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    exit = once(started, 'exit');
    const [line] = (await once(createInterface({ input: started.stdout as NodeJS.ReadableStream }), 'line')) as [
      string,
    ];
    port = Number(/^listening on (\d+)$/.exec(line)?.[1]);
    const outer = started.pid as number;
    pid = before.length === 0 ? outer : (childrenOf(outer)[0] as number);
  }

  beforeEach(() => {
    agent = new Agent({ keepAlive: true });
  });
  afterEach(() => {
    agent.destroy();
    if (isPossible) started.kill('SIGKILL');
  });

  /** Sends a request; the answer comes later. */
  async function ask(
    milliseconds: number,
  ): Promise<{ answer: Promise<[number | undefined, string, string | undefined]> }> {
    const request = get({ port, agent, path: `/${String(milliseconds)}` });
    const answer = (async (): Promise<[number | undefined, string, string | undefined]> => {
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const text = (await response.setEncoding('utf8').toArray()).join('');
      return [response.statusCode, text, response.headers.connection];
    })();
    answer.catch(() => undefined);
    await once(request, 'finish');
    return { answer };
  }

  run('finishes its requests at SIGTERM, takes no more connections, and ends', async () => {
    await start('60000');
    expect(await (await ask(0)).answer).toEqual([200, expect.stringMatching(/worked/) as string, 'keep-alive']);
    const slow = await ask(1500);
    // The server has read the request before it reads this one.
    await (
      await ask(0)
    ).answer;
    process.kill(pid, 'SIGTERM');
    expect(await slow.answer).toEqual([200, expect.stringMatching(/worked/) as string, 'close']);
    expect(await exit).toEqual([0, null]);
    await expect(
      (await ask(0).catch(() => ({ answer: Promise.reject(new Error('refused')) }))).answer,
    ).rejects.toThrow();
  });

  run('cancels what is not done after the deadline', async () => {
    await start('50');
    const endless = await ask(1e9);
    await (
      await ask(0)
    ).answer;
    process.kill(pid, 'SIGTERM');
    expect(await endless.answer).toEqual([503, expect.stringContaining('ClosedError') as string, 'close']);
    expect(await exit).toEqual([0, null]);
  });

  run('reaps a worker that dies, and answers from another one', async () => {
    await start('60000');
    await (
      await ask(0)
    ).answer;
    const worker = childrenOf(pid).find((child) =>
      readFileSync(`/proc/${String(child)}/cmdline`, 'utf8').includes('work-'),
    );
    process.kill(worker as number, 'SIGKILL');
    await until('it was reaped', () => !childrenOf(pid).includes(worker as number));
    expect((await (await ask(0)).answer)[0]).toBe(200);
    expect(childrenOf(pid).map(stateOf)).not.toContain('Z');
    process.kill(pid, 'SIGTERM');
    expect(await exit).toEqual([0, null]);
  });
});
