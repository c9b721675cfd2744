// Many bytes, and many terminals at once.
import { createHash } from 'node:crypto';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { shell, whatIsThere } from '../helpers.js';
import { User } from './user.js';

afterAll(leakCheck());

const MANY = 100_000_000;

describe('100 MB', () => {
  it('come through a terminal without a loss', async () => {
    const numbers = `seq 13000000 | head -c ${String(MANY)}`;
    await using user = User.of(['sh', '-c', `stty -opost; ${numbers}`]);
    const hash = createHash('sha1');
    let count = 0;
    for await (const chunk of user.reader) {
      hash.update(chunk);
      count += chunk.length;
    }
    expect(count).toBe(MANY);
    expect(hash.digest('hex')).toBe(shell(`${numbers} | sha1sum`).slice(0, 40));
  });

  it('go into a program that reads keys as bytes, without a loss', async () => {
    const piece = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => i % 251));
    const script = `stty raw -echo; echo ready; head -c ${String(MANY)} | sha1sum`;
    await using user = User.of(['sh', '-c', script]);
    await user.sees('ready');
    const hash = createHash('sha1');
    for (let written = 0; written < MANY; written += piece.length) {
      hash.update(piece);
      await user.stream.writer.write(piece);
    }
    expect(await user.sees(/[0-9a-f]{40}/)).toBe(hash.digest('hex'));
  });
});

describe('200 terminals', () => {
  it('at once, of which none leaves anything', async () => {
    const { fds, children } = whatIsThere();
    const users = Array.from({ length: 200 }, (_, i) => User.of(['cat'], { terminal: { columns: i + 1, rows: 1 } }));
    expect(children()).toHaveLength(200);
    const answers = await Promise.all(
      users.map(async (user, i) => {
        await user.type(`${String(i)}\r\x04`);
        return user.rest();
      }),
    );
    expect(answers).toEqual(users.map((_, i) => `${String(i)}\r\n${String(i)}\r\n`));
    const exits = await Promise.all(users.map((user) => user.program.wait()));
    expect(exits.every(({ exitCode }) => exitCode === 0)).toBe(true);
    await Promise.all(users.map((user) => user.stream.close()));
    expect([fds(), children()]).toEqual([[], []]);
  });
});
