import { createReadStream, openSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { aioduplex, aiopipe } from '@aiopipe/core';
import { pipeline, popen, type StageInput } from '@aiopipe/subprocess';
import { leakCheck, openFds } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { inDirectory, shell, whatIsThere } from '../helpers.js';

afterAll(leakCheck());

describe('the input', () => {
  const bytes = Buffer.alloc(3_000_000, 'some bytes\n');

  it.each<[string, () => Parameters<ReturnType<typeof pipeline>['run']>[0]]>([
    ['bytes', () => ({ input: bytes })],
    ['a string', () => ({ input: bytes.toString() })],
    ['an iterable', () => ({ input: [bytes.subarray(0, 100), bytes.toString('utf8', 100)] })],
    ['a generator', () => ({ input: inPieces(bytes) })],
    ['a Node stream', () => ({ input: createReadStream('', { fd: fileOf(bytes) }) })],
    ['a web stream', () => ({ input: new Blob([bytes]).stream() })],
  ])('can be %s', async (_name, options) => {
    const { stdout } = await pipeline(['cat'], ['sha1sum']).run(options());
    expect(stdout).toBe(shell('sha1sum', bytes.toString()));
  });

  async function* inPieces(whole: Buffer) {
    for (let at = 0; at < whole.length; at += 100_003) {
      await Promise.resolve();
      yield whole.subarray(at, at + 100_003);
    }
  }

  function fileOf(whole: Buffer): number {
    let fd = -1;
    void inDirectory((path) => {
      writeFileSync(path('file'), whole);
      fd = openSync(path('file'), 'r');
    });
    return fd;
  }

  it('can be an open file, which the program itself has', async () => {
    await using handle = await open('/etc/passwd');
    const { stdout } = await pipeline(['readlink', '/proc/self/fd/0']).run({ input: handle });
    expect(stdout).toBe('/etc/passwd\n');
  });

  it('can be a pipe end, which moves', async () => {
    const [rx, tx] = aiopipe();
    const running = pipeline(['cat'], ['wc', '-c']).run({ input: rx });
    expect(rx.state).toBe('moved');
    await using writer = tx.open();
    await writer.write('12345');
    await writer.close();
    expect((await running).stdout.trim()).toBe('5');
  });

  it('can be a duplex end, which the last program answers on', async () => {
    const [ours, theirs] = aioduplex();
    const running = pipeline(['tr', 'a-z', 'A-Z']).run({ input: theirs, output: theirs });
    await using duplex = ours.open();
    await duplex.writer.write('shout\n');
    await duplex.writer.close();
    expect(String(await duplex.reader.read())).toBe('SHOUT\n');
    await running;
  });

  it('can be a file by its path, which the program itself has', async () => {
    const { stdout } = await pipeline(['readlink', '/proc/self/fd/0']).run({ input: { file: '/etc/passwd' } });
    expect(stdout).toBe('/etc/passwd\n');
    const failed = pipeline(['cat']).run({ input: { file: '/no/such/file' } });
    await expect(failed).rejects.toMatchObject({ code: 'ENOENT', path: '/no/such/file' });
  });

  it.each<[string, () => Promise<Parameters<ReturnType<typeof pipeline>['run']>[0]>]>([
    ['a file by its path', async () => ({ input: { file: '/etc/passwd' } })],
    ['an open file', async () => ({ input: await open('/etc/passwd') })],
    ['an end', async () => ({ input: await filled(readFileSync('/etc/passwd')) })],
  ])('of a function can be %s, too', async (_name, options) => {
    const { input } = (await options()) ?? {};
    const same = async function* (chunks: StageInput) {
      yield* chunks;
    };
    const { stdout } = await pipeline(same, ['cat']).run({ input });
    if (typeof input === 'object' && 'datasync' in input) await input.close();
    expect(stdout).toBe(readFileSync('/etc/passwd', 'utf8'));
  });

  async function filled(content: Buffer) {
    const [rx, tx] = aiopipe({ capacity: 1024 * 1024 });
    await using writer = tx.open();
    await writer.write(content);
    return rx;
  }

  it('of an end that never ends is closed when the chain has enough', async () => {
    const { fds } = whatIsThere();
    const [rx, tx] = aiopipe();
    const first = async function* (input: StageInput) {
      void input[Symbol.asyncIterator]().next();
      yield 'enough\n';
    };
    expect((await pipeline(first, ['head', '-1']).run({ input: rx })).stdout).toBe('enough\n');
    expect(rx.state).toBe('closed');
    tx.close();
    expect(fds()).toEqual([]);
  });

  it('of streams that never end is destroyed when the chain has enough', async () => {
    const node = new Readable({ read: () => undefined });
    node.push('a\n');
    expect((await pipeline(['head', '-1']).run({ input: node })).stdout).toBe('a\n');
    expect(node.destroyed).toBe(true);
    let cancelled = false;
    const web = new ReadableStream({
      start: (controller) => {
        controller.enqueue(Buffer.from('a\n'));
      },
      cancel: () => {
        cancelled = true;
      },
    });
    expect((await pipeline(['head', '-1']).run({ input: web as never })).stdout).toBe('a\n');
    expect(cancelled).toBe(true);
  });

  it('is empty unless given', async () => {
    expect((await pipeline(['wc', '-c']).run()).stdout.trim()).toBe('0');
    expect((await pipeline(['wc', '-c']).run({ input: '' })).stdout.trim()).toBe('0');
  });

  it('may be more than the program wants', async () => {
    for (let i = 0; i < 20; i++) {
      expect((await pipeline(['head', '-1']).run({ input: bytes })).stdout).toBe('some bytes\n');
      expect((await pipeline(['true']).run({ input: 'x' })).stdout).toBe('');
    }
  });

  it('may still wait for something when the chain has ended; it is told', async () => {
    const events: string[] = [];
    const input = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => undefined),
        return: () => {
          events.push('return');
          return new Promise<never>(() => undefined);
        },
      }),
    };
    expect((await pipeline(['echo', 'done']).run({ input })).stdout).toBe('done\n');
    expect(events).toEqual(['return']);
  });

  it('that throws lets no program take what came for all of it', async () => {
    const reason = new Error('no more');
    const failing = function* () {
      yield 'a';
      throw reason;
    };
    await inDirectory(async (path) => {
      const script = ['sh', '-c', `cat >/dev/null; echo complete >${path('out')}`];
      writeFileSync(path('out'), '');
      for (let i = 0; i < 20; i++) {
        await expect(pipeline(script).run({ input: failing() })).rejects.toMatchObject({ cause: reason });
      }
      const stream = new Readable({ read: () => stream.destroy(reason) });
      await expect(pipeline(script).run({ input: stream })).rejects.toMatchObject({ cause: reason });
      expect(readFileSync(path('out'), 'utf8')).toBe('');
    });
  });

  it('ends the chain with what it throws', async () => {
    const reason = new Error('no more');
    const failing = (function* () {
      yield 'a';
      throw reason;
    })();
    await expect(pipeline(['cat'], ['cat']).run({ input: failing })).rejects.toMatchObject({
      code: 'ERR_AIOPIPE_PIPELINE',
      message: expect.stringMatching(/^`cat \| cat` failed: input: Error: no more\n/),
      cause: reason,
    });
    await expect(pipeline(['cat']).run({ input: [1] as never })).rejects.toThrow(
      /input\[0\]: expected bytes or strings from the iterable, not 1/,
    );
  });

  it('is a failure even if it throws undefined, as web streams do', async () => {
    const input = new ReadableStream({
      pull: (controller) => {
        controller.error();
      },
    });
    await expect(pipeline(['cat']).run({ input, output: 'ignore' })).rejects.toThrow(/input: it threw undefined/);
  });
});

describe('the stdin of a chain', () => {
  it('can be ours', async () => {
    const stdin = openFds().get(0);
    const { stdout } = await pipeline(['readlink', '/proc/self/fd/0']).run({ stdin: 'inherit' });
    expect(stdout.trim()).toBe(stdin);
  });

  it('is not both inherited and given', async () => {
    await expect(pipeline(['cat']).run({ stdin: 'inherit', input: 'x' })).rejects.toThrow(
      /stdin, input: pass only one/,
    );
    await expect(pipeline(['cat']).run({ stdin: 'x' as never })).rejects.toThrow(/stdin: expected 'inherit'/);
    await expect(pipeline(['cat']).run({ stdin: process.stdin as never })).rejects.toThrow(
      /process\.stdin is 'inherit'/,
    );
    expect((await pipeline(['cat']).run({ input: 'inherit' })).stdout).toBe('inherit');
  });
});

describe('a FIFO by its path', () => {
  it('is refused, since opening it would stop this process', () =>
    inDirectory(async (path) => {
      shell(`mkfifo ${path('fifo')}`);
      const { fds } = whatIsThere();
      const fifo = { file: path('fifo') };
      expect(() => popen(['cat'], { stdin: fifo })).toThrow(/is a FIFO.*FileHandle.*aiopipe\(\)/);
      expect(() => popen(['ls'], { stdout: fifo })).toThrow(TypeError);
      await expect(pipeline(['cat']).run({ input: fifo })).rejects.toThrow(/input: .* is a FIFO/);
      expect(fds()).toEqual([]);
    }));

  it('does as a FileHandle', () =>
    inDirectory(async (path) => {
      shell(`mkfifo ${path('fifo')}`);
      const [reading, writing] = await Promise.all([open(path('fifo'), 'r'), open(path('fifo'), 'w')]);
      const read = pipeline(['cat']).run({ input: reading });
      await pipeline(['echo', 'through']).run({ output: writing });
      await Promise.all([reading.close(), writing.close()]);
      expect((await read).stdout).toBe('through\n');
    }));

  it('is not what stands behind /dev/fd', async () => {
    const [rx, tx] = aiopipe();
    await pipeline(['echo', 'words']).run({ output: { file: `/dev/fd/${String(tx.fd)}` } });
    tx.close();
    await using reader = rx.open();
    expect(String(await reader.read())).toBe('words\n');
  });
});
