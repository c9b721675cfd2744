import { spawn } from 'node:child_process';
import { leakCheck, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { ask, messages, messageWith } from '../http.js';
import { underInspector } from '../program.js';

afterAll(leakCheck());

const { start, program } = underInspector();

describe('the feed', () => {
  it('sends what there is, and then each second what has changed', async () => {
    const url = await start('busy-program', {});
    const { worker } = await program().facts<{ worker: number }>();
    let count = 0;
    for await (const { snapshot, events } of messages(url)) {
      expect(snapshot.program.pid).toBe(program().pid);
      if (count++ === 0) {
        expect(snapshot.pools[0]?.workers.map(({ pid }) => pid)).toContain(worker);
        expect(events.map(({ what }) => what)).toContain('was started');
      }
      if (count === 3) break;
    }
  });

  it('tells which worker has died, why, and what it was doing', async () => {
    const url = await start('busy-program', {});
    await program().facts();
    program().order('die');
    const isDeath = ({ isFailure }: { isFailure: boolean }) => isFailure;
    const { events } = await messageWith(url, (message) => message.events.some(isDeath));
    const deaths = events.filter(isDeath);
    expect(deaths).toMatchObject([
      {
        who: expect.stringMatching(/^resize-\d$/),
        of: 'the pool of resize',
        pid: expect.any(Number),
        what: 'was killed by SIGKILL',
        doing: expect.stringMatching(/^ran resize for .*; \d+ tasks? since its start, \d+ MB at most$/),
      },
    ]);
  });

  it('tells what a worker has thrown where nothing catches it', async () => {
    const url = await start('busy-program', {});
    await program().facts();
    program().order('crash');
    const text = 'exited with code 1: RangeError: the image has no pixels';
    await messageWith(url, ({ events }) => events.some(({ what }) => what === text));
  });

  it('tells why a supervised child was restarted', async () => {
    const url = await start('busy-program', {});
    const { web } = await program().facts<{ web: number }>();
    process.kill(web, 'SIGKILL');
    const { events } = await messageWith(url, (message) =>
      message.events.some(({ pid, isFailure }) => pid === web && isFailure),
    );
    expect(events.find(({ pid, isFailure }) => pid === web && isFailure)).toMatchObject({
      who: 'web',
      of: 'supervisor 1',
      what: 'was killed by SIGKILL',
      doing: expect.stringMatching(/^ran serve of busy-program.js for /),
      next: expect.stringMatching(/^will be restarted after \d+ ms$/),
    });
  });

  it('has 100 supervisors and 2,000 of their children, and counts the others', async () => {
    const url = await start('many-supervisors', {});
    await program().facts();
    const { snapshot, leftOut } = await messageWith(url, ({ snapshot: { supervisors } }) => supervisors.length > 0);
    expect(snapshot.supervisors.map(({ children }) => children.length)).toEqual([2000, ...Array<number>(99).fill(0)]);
    const none = {
      processes: 0,
      pools: 0,
      channels: 0,
      chains: 0,
      clusters: 0,
      machines: 0,
      clusterPools: 0,
      targets: 0,
    };
    expect(leftOut).toEqual({ ...none, supervisors: 2, supervised: 3 });
  });

  it('has the last 1,000 events', async () => {
    const url = await start('many-failures', {});
    await program().facts();
    const { events } = await messageWith(url, () => true);
    const numbers = events.map(({ number }) => number);
    expect(numbers).toEqual(Array.from({ length: 1000 }, (_, index) => index + 201));
    expect(events.at(-1)).toMatchObject({
      who: '/no/such/program-1199',
      what: expect.stringMatching(/^could not be started: SystemError: .*ENOENT/),
    });
  });

  it('sends no more than a thousand characters of a name', async () => {
    const url = await start('long-names', {});
    await program().facts();
    const message = await messageWith(url, () => true);
    expect(message.snapshot.supervisors[0]?.children[0]?.id).toBe(`${'x'.repeat(1000)} …`);
    expect(message.events[0]?.who).toBe(`/no/such/${'x'.repeat(991)} …`);
    expect(JSON.stringify(message).length).toBeLessThan(20_000);
  });

  it('holds no more than one message for a page that does not read', async () => {
    const url = await start('many-processes', { COUNT: '200' });
    await program().facts();
    const reader = spawn('python3', ['-c', SLOW_READER, url], { stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    reader.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    await until('it is connected', () => output.includes('connected'));
    const times: number[] = [];
    for await (const { snapshot } of messages(url)) {
      if (times.push(snapshot.time) === 8) break;
    }
    const ended = new Promise((resolve) => reader.once('close', resolve));
    reader.stdin.end('read\n');
    await ended;
    const [, ...seen] = output.trim().split('\n').map(Number);
    const last = times.at(-1) as number;
    const early = seen.filter((time) => time <= last);
    // What fits into the kernel's buffers, and one more. The other page has got 8 of them meanwhile.
    expect(early.length).toBeLessThanOrEqual(5);
    expect(seen.length - early.length).toBe(2);
  });

  it('is given to 8 pages at once, and to others when one of these has gone', async () => {
    const url = await start('many-processes', { COUNT: '0' });
    const pages = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const page = messages(url);
        await page.next();
        return page;
      }),
    );
    expect(await ask(`${url}events`)).toMatchObject({ status: 503 });
    await pages.pop()?.return();
    await until('there is room', async () => {
      const page = messages(url);
      const first = await page.next().catch(() => ({ done: true }));
      await page.return().catch(() => undefined);
      return first.done !== true;
    });
    for (const page of pages) await page.return();
  });
});

/** Connects with the smallest buffers that the system has, reads nothing until it is told to, then two messages that are new. */
const SLOW_READER = `
import re, socket, sys, time
url = re.match(r'http://(.*?):(\\d+)(.*)', sys.argv[1])
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
s.connect((url[1], int(url[2])))
s.sendall(f'GET {url[3]}events HTTP/1.1\\r\\nHost: {url[1]}:{url[2]}\\r\\n\\r\\n'.encode())
print('connected', flush=True)
sys.stdin.readline()
told = time.time() * 1000
text, seen, new = b'', 0, 0
while new < 2:
    text += s.recv(65536)
    found = re.findall(rb'{"snapshot":{"time":(\\d+)', text)
    for one in found[seen:]:
        print(int(one), flush=True)
        new += int(one) > told
    seen = len(found)
`;
