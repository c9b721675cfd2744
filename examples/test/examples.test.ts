import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { listen } from '@aiopipe/codec';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const program = (name: string) => fileURLToPath(new URL(`../${name}.mjs`, import.meta.url));

const run = async (name: string, ...args: string[]) =>
  (await promisify(execFile)(process.execPath, [program(name), ...args])).stdout;

/** Runs a line in a shell, to compare with. `$0` in it is the file. */
const shell = (line: string, file: string) => execFileSync('sh', ['-c', line, file], { encoding: 'utf8' });

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'examples-'));
});
afterAll(() => rm(directory, { recursive: true }));
afterAll(leakCheck());

async function fileOf(text: string): Promise<string> {
  const path = join(directory, 'file');
  await writeFile(path, text);
  return path;
}

describe('pipe-csum', () => {
  it.each([0, 1, 8192, 1_000_003])('says twice what sha1sum says of %i bytes', async (size) => {
    const path = await fileOf('a line of a text file\n'.repeat(size / 22 + 1).slice(0, size));
    const sum = shell('sha1sum < "$0"', path);
    expect(await run('pipe-csum', path)).toBe(`communicate: ${sum}feeder:      ${sum}`);
  });
});

describe('pipe-grep', () => {
  it('says what the shell’s pipe says', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${String(i)} ${i % 7 === 0 ? 'an ERROR' : 'fine'}\n`);
    const path = await fileOf(lines.join(''));
    expect(await run('pipe-grep', path)).toBe(shell('grep -i error "$0" | wc', path));
  });

  it('says it of a file without a match, too', async () => {
    const path = await fileOf('fine\n');
    expect(await run('pipe-grep', path)).toBe(shell('grep -i error "$0" | wc', path));
  });
});

describe('pipe-tail', () => {
  it('prints the lines as the file grows, and ends after as many as were asked for', async () => {
    const path = await fileOf('error 0\n');
    const child = spawn(process.execPath, [program('pipe-tail'), path, '4'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = once(child, 'exit');
    let written = 0;
    let printed = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      printed += String(chunk);
      // Only what has been printed brings the next line.
      if (++written < 4) await appendFile(path, `fine\nERROR ${String(written)}\n`);
    }
    expect(printed).toBe('error 0\nERROR 1\nERROR 2\nERROR 3\n');
    expect(await exit).toEqual([0, null]);
  });
});

describe('socket-afile', () => {
  it('gets the lines in capitals, and the number of bytes', async () => {
    expect(await run('socket-afile')).toBe('HELLO\nWORLD\n100000 bytes\n');
  });
});

describe('frame-buffer', () => {
  it('has each frame read by both consumers', async () => {
    // Frame 256 has the colour of frame 0.
    const sum = (255 * 256) / 2 + (43 * 44) / 2;
    expect(await run('frame-buffer', '300')).toBe(
      `brightness of 300 frames: ${String(sum)}\nchanges of 300 frames: 300\n`,
    );
  });
});

describe('memory-programs', () => {
  const hasPython = spawnSync('python3', ['-c', '']).status === 0;
  const hasCompiler = spawnSync('cc', ['--version']).status === 0;
  const source = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

  it.runIf(hasPython)('has the same bytes in Python', async () => {
    const [there, here] = (await run('memory-programs', 'python3', source('python/read_memory.py'))).split('\n');
    expect(there?.slice(7)).toMatch(/^[0-9a-f]{40}$/);
    expect(there?.slice(7)).toBe(here?.slice(7));
  });

  it.runIf(hasCompiler)('has the same bytes in C', async () => {
    const program = join(directory, 'read-memory');
    execFileSync('cc', ['-Wall', '-Wextra', '-Werror', '-o', program, source('c/read-memory.c')]);
    const sum = Array.from({ length: 1_000_000 }, (_, i) => i % 251).reduce((total, byte) => total + byte, 0);
    expect(await run('memory-programs', program)).toContain(`there: 1000000 bytes, their sum is ${String(sum)}\n`);
  });
});

describe('chat', () => {
  /** A member of the chat. `until` takes its lines up to one that ends so. */
  function member(path: string, name: string) {
    const child = spawn(process.execPath, [program('chat'), path, name], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const until = async (...ends: string[]): Promise<string> => {
      for (;;) {
        const { value } = (await lines.next()) as IteratorResult<string, undefined>;
        if (value === undefined) throw new Error(`${name} has ended before ${ends.join()}`);
        if (ends.some((end) => value.endsWith(end))) return value;
      }
    };
    const joined = `process ${String(child.pid)} joined`;
    return {
      child,
      name,
      until,
      joined,
      ended: once(child, 'close'),
      say: (line: string) => child.stdin.write(`${line}\n`),
    };
  }

  it('goes on between the others when the hub is killed', async () => {
    const path = join(directory, 'chat.sock');
    const ann = member(path, 'Ann');
    await ann.until('* Ann is the hub');
    const others = [member(path, 'Bob'), member(path, 'Cleo')] as const;
    const [bob, cleo] = others;
    for (const other of others) await ann.until(bob.joined, cleo.joined).then(() => other.until(other.joined));
    bob.say('good morning');
    for (const one of [ann, cleo]) expect(await one.until('morning')).toBe('Bob: good morning');
    ann.child.kill('SIGKILL');
    await ann.ended;
    // One of them becomes the hub, and the other one joins it.
    const first = await Promise.all(others.map((other) => other.until('is the hub', other.joined)));
    expect(first.filter((line) => line.endsWith('is the hub'))).toHaveLength(1);
    cleo.say('and good night');
    for (const other of others) expect(await other.until('night')).toBe('Cleo: and good night');
    for (const other of others) other.child.stdin.end();
    for (const other of others) expect(await other.ended).toEqual([0, null]);
  });
});

describe('python/client.py', () => {
  const hasPython = spawnSync('python3', ['--version']).status === 0;
  const client = fileURLToPath(new URL('../python/client.py', import.meta.url));

  it.runIf(hasPython)('gets an answer to each message, at a path and at an abstract name', async () => {
    const names = [
      join(directory, 'python.sock'),
      ...(process.platform === 'linux' ? [`@python-${String(process.pid)}`] : []),
    ];
    for (const name of names) {
      const hub = listen<unknown, { id: number }>(name, { encoder: 'json', decoder: 'json' });
      const served = (async () => {
        const { channel } = await hub.accept();
        for await (const { id } of channel) await channel.put({ twice: 2 * id, text: 'ä' });
        channel.close();
      })();
      const { stdout } = await promisify(execFile)('python3', [client, name, '{"id": 1}', '{"id": 20}']);
      expect(
        stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
      ).toEqual([
        { twice: 2, text: 'ä' },
        { twice: 40, text: 'ä' },
      ]);
      await served;
      hub.close();
    }
  });
});

it('chat says how it is used when it gets no path', async () => {
  await expect(run('chat')).rejects.toThrow('usage: node examples/chat.mjs PATH NAME');
});

it.each(['pipe-csum', 'pipe-grep', 'pipe-tail'])('%s says how it is used when it gets no file', async (name) => {
  const failed = run(name);
  await expect(failed).rejects.toMatchObject({ code: 2 });
  await expect(failed).rejects.toThrow(`usage: node examples/${name}.mjs FILE`);
});
