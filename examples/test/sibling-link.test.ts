import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { channel, expose, type Channel } from '@aiopipe/codec';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { Link } from '../link.mjs';

afterAll(leakCheck());

describe('sibling-link', () => {
  it('calls the sibling that was restarted', async () => {
    const program = fileURLToPath(new URL('../sibling-link.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [program]);
    const pids = [...stdout.matchAll(/^process (\d+) answers$/gm)].map(([, pid]) => pid);
    expect(new Set(pids).size).toBe(2);
    expect(stdout).toContain('clock is restarted\n');
  });
});

describe('Link', () => {
  class Counter {
    readonly number: number;
    constructor(number: number) {
      this.number = number;
    }
    count() {
      return this.number;
    }
    refuse() {
      throw new RangeError('not that');
    }
  }

  /** Connections to counters, of which the first ones break at once. `made` are our ends of them. */
  function countersAfter(broken: number) {
    const made: Channel[] = [];
    const connect = async () => {
      const [ours, theirs] = channel({ duplex: true });
      if (made.push(ours) <= broken) theirs.close();
      else void expose(theirs, new Counter(made.length)).closed.then(() => theirs[Symbol.dispose]());
      return ours;
    };
    return { made, connect };
  }

  it('keeps its connection', async () => {
    const { made, connect } = countersAfter(0);
    const link = new Link<Counter>(connect);
    expect([await link.call((remote) => remote.count()), await link.call((remote) => remote.count())]).toEqual([1, 1]);
    await link.close();
    expect(made).toHaveLength(1);
  });

  it('makes another connection if one has broken, and leaves none open', async () => {
    const { made, connect } = countersAfter(2);
    const link = new Link<Counter>(connect);
    expect(await link.call((remote) => remote.count())).toBe(3);
    await link.close();
    expect(made).toHaveLength(3);
  });

  it('rejects after the third broken connection', async () => {
    const { made, connect } = countersAfter(9);
    const link = new Link<Counter>(connect);
    await expect(link.call((remote) => remote.count())).rejects.toMatchObject({
      code: expect.stringMatching(/EPIPE|END_OF_STREAM/) as unknown,
    });
    expect(made).toHaveLength(3);
    await link.close();
  });

  it('does not repeat a call whose method throws, and keeps the connection', async () => {
    const { made, connect } = countersAfter(0);
    const link = new Link<Counter>(connect);
    await expect(link.call((remote) => remote.refuse())).rejects.toThrow(new RangeError('not that'));
    expect(await link.call((remote) => remote.count())).toBe(1);
    expect(made).toHaveLength(1);
    await link.close();
  });

  it('connects again after a connection that could not be made', async () => {
    const { connect } = countersAfter(0);
    let isThere = false;
    const link = new Link<Counter>(async () => {
      if (!isThere) throw new Error('the sibling was not started');
      return connect();
    });
    await expect(link.call((remote) => remote.count())).rejects.toThrow('the sibling was not started');
    isThere = true;
    expect(await link.call((remote) => remote.count())).toBe(1);
    await link.close();
  });
});
