import { existsSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { aiopipe, BrokenPipeError, BusyError, ClosedError, TimeoutError } from '@aiopipe/core';
import { AsyncPipe, popen } from '@aiopipe/subprocess';
import { isRunning, leakCheck, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { inDirectory, shell, whatIsThere } from './helpers.js';

afterAll(leakCheck());

const PIPES = { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' } as const;
const BYTES = Buffer.alloc(2_000_000, 'some bytes\n');

describe('write and read', () => {
  it('go through one program', async () => {
    await using pipe = new AsyncPipe(popen(['cat'], PIPES));
    expect(await pipe.write('hello\nwor')).toBe(9);
    expect(String(await pipe.readLine())).toBe('hello\n');
    await pipe.write('ld');
    await pipe.stdin.close();
    expect(String(await pipe.read())).toBe('world');
    expect(await pipe.read(1)).toHaveLength(0);
    expect(await pipe.readLine()).toHaveLength(0);
  });

  it('go through two that were joined by hand', async () => {
    const first = popen(['grep', '-i', 'error'], { stdin: 'pipe', stdout: 'pipe' });
    const last = popen(['wc', '-l'], { stdin: first.stdout, stdout: 'pipe' });
    await using pipe = new AsyncPipe(first, last);
    await pipe.write('an Error\nnothing\nmore errors\n', { full: true });
    expect(pipe.poll()).toBeUndefined();
    await pipe.stdin.close();
    expect(String(await pipe.readLine()).trim()).toBe('2');
    await last.wait();
    expect(pipe.poll()).toMatchObject({ exitCode: 0 });
  });

  it('read stderr apart', async () => {
    await using pipe = new AsyncPipe(popen(['sh', '-c', 'echo out; echo err >&2; echo more >&2'], PIPES));
    expect(String(await pipe.readLineStderr())).toBe('err\n');
    expect(String(await pipe.readStderr())).toBe('more\n');
    expect(String(await pipe.read())).toBe('out\n');
  });

  it('with full and size wait for exactly so much, or the end', async () => {
    await using pipe = new AsyncPipe(popen(['cat'], PIPES));
    const read = pipe.read(6, { full: true });
    await pipe.write('abcd');
    await pipe.write('efgh');
    expect(String(await read)).toBe('abcdef');
    expect(String(await pipe.read(100))).toBe('gh');
    await pipe.write('end');
    await pipe.stdin.close();
    expect(String(await pipe.read(100, { full: true }))).toBe('end');
  });

  it('a line can have a size, and a hint that need not be right', async () => {
    await using pipe = new AsyncPipe(popen(['cat'], PIPES));
    await pipe.write('a long line\nshort\n');
    expect(String(await pipe.readLine(6, { sizeHint: 2 }))).toBe('a long');
    expect(String(await pipe.readLine(6))).toBe(' line\n');
    expect(String(await pipe.readLine(0, { sizeHint: 1000 }))).toBe('short\n');
  });
});

describe('a timeout', () => {
  it('returns what was read until then, and is an error only if nothing was', async () => {
    await inDirectory(async (path) => {
      // It tells by a file that it has written what it read.
      const script = 'for n in 1 2 3; do dd bs=3 count=1 2> /dev/null; : > "$0$n"; done; exec cat';
      await using pipe = new AsyncPipe(popen(['sh', '-c', script, path('written')], PIPES));
      const echoed = (n: number) => until('it has written', () => existsSync(path(`written${String(n)}`)));
      await expect(pipe.read(5, { timeout: 5 })).rejects.toThrow(TimeoutError);
      await expect(pipe.readLine(0, { timeout: 5 })).rejects.toThrow(TimeoutError);
      await pipe.write('abc');
      await echoed(1);
      expect(String(await pipe.read(5, { full: true, timeout: 50 }))).toBe('abc');
      await pipe.write('def');
      await expect(pipe.readLine(0, { timeout: 5 })).rejects.toThrow(TimeoutError);
      expect(String(await pipe.read(3, { full: true }))).toBe('def');
      await pipe.write('ghi');
      await echoed(3);
      expect(String(await pipe.read(0, { timeout: 50 }))).toBe('ghi');
    });
  });

  it('returns what was written until then, and the rest is not written later', async () => {
    // It reads nothing before it is told to.
    const script = 'read go <&3; cat';
    const [rx, tx] = aiopipe();
    const program = popen(['sh', '-c', script], { ...PIPES, fds: { 3: rx } });
    await using pipe = new AsyncPipe(program);
    const written = await pipe.write(BYTES, { full: true, timeout: 20 });
    expect(written).toBe(128 * 1024);
    await expect(pipe.write('x', { timeout: 5 })).rejects.toThrow(TimeoutError);
    await expect(pipe.write('x', { full: true, timeout: 5 })).rejects.toThrow(TimeoutError);
    tx.close();
    const [stdout] = await pipe.communicate();
    expect(Buffer.compare(stdout, BYTES.subarray(0, written))).toBe(0);
  });
});

describe('a write', () => {
  it('without full writes what fits, with full all of it', async () => {
    await using pipe = new AsyncPipe(popen(['wc', '-c'], PIPES));
    let written = 0;
    while (written < BYTES.length) {
      const count = await pipe.write(BYTES.subarray(written));
      expect(count).toBeGreaterThan(0);
      written += count;
    }
    expect(await pipe.write(BYTES, { full: true })).toBe(BYTES.length);
    const [stdout] = await pipe.communicate();
    expect(Number(stdout)).toBe(2 * BYTES.length);
  });

  it('is one at a time', async () => {
    await using pipe = new AsyncPipe(popen(['cat'], PIPES));
    const first = pipe.write(BYTES, { full: true });
    await expect(pipe.write('x')).rejects.toThrow(BusyError);
    expect(Buffer.compare(await pipe.read(BYTES.length, { full: true }), BYTES)).toBe(0);
    expect(await first).toBe(BYTES.length);
  });

  it('to a program that is gone is an error, no crash', async () => {
    await using pipe = new AsyncPipe(popen(['true'], PIPES));
    const writeOn = async () => {
      for (;;) await pipe.write(BYTES, { full: true });
    };
    await expect(writeOn()).rejects.toThrow(BrokenPipeError);
  });

  it('or read of what is no pipe says what to do', async () => {
    await using pipe = new AsyncPipe(popen(['cat'], { stdin: 'ignore' }));
    await expect(pipe.write('x')).rejects.toThrow(ClosedError);
    await expect(pipe.read()).rejects.toThrow(
      /stdout of cat \(pid \d+\) is not a pipe: start it with { stdout: 'pipe' }/,
    );
  });
});

describe('communicate', () => {
  const sum = shell('sha1sum', String(BYTES));

  it('takes a file by its path', async () => {
    await using pipe = new AsyncPipe(popen(['sha1sum'], PIPES));
    expect(String((await pipe.communicate({ file: '/etc/passwd' }))[0])).toBe(shell('sha1sum < /etc/passwd'));
    await using other = new AsyncPipe(popen(['cat'], PIPES));
    await expect(other.communicate({ file: '/no/such/file' })).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('ends with the program, though the input never ends', async () => {
    const [rx, tx] = aiopipe();
    await using pipe = new AsyncPipe(popen(['echo', 'done'], PIPES));
    expect(String((await pipe.communicate(rx))[0])).toBe('done\n');
    expect(rx.state).toBe('closed');
    tx.close();
    const silence = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
    await using other = new AsyncPipe(popen(['echo', 'done'], PIPES));
    expect(String((await other.communicate(silence))[0])).toBe('done\n');
  });

  it.each<[string, () => Parameters<AsyncPipe['communicate']>[0]]>([
    ['bytes', () => BYTES],
    ['a string', () => String(BYTES)],
    ['an iterable', () => [BYTES.subarray(0, 1000), BYTES.subarray(1000)]],
  ])('takes %s', async (_name, input) => {
    await using pipe = new AsyncPipe(popen(['sha1sum'], PIPES));
    const [stdout, stderr] = await pipe.communicate(input());
    expect([String(stdout), stderr.length]).toEqual([sum, 0]);
    expect(pipe.poll()?.exitCode).toBe(0);
  });

  it('takes an open file, from its offset on', () =>
    inDirectory(async (path) => {
      await writeFile(path('file'), Buffer.concat([Buffer.from('12345'), BYTES]));
      await using handle = await open(path('file'));
      await handle.read(Buffer.alloc(5), 0, 5, null);
      await using pipe = new AsyncPipe(popen(['sha1sum'], PIPES));
      expect(String((await pipe.communicate(handle))[0])).toBe(sum);
    }));

  it('takes a pipe end, and closes it', async () => {
    const source = popen(['yes'], { stdout: 'pipe' });
    await using pipe = new AsyncPipe(popen(['head', '-2'], PIPES));
    expect(String((await pipe.communicate(source.stdout))[0])).toBe('y\ny\n');
    expect((await source.wait()).signalCode).toBe('SIGPIPE');
  });

  it('reads while it writes, both outputs, however much', async () => {
    await using pipe = new AsyncPipe(popen(['sh', '-c', 'tee /dev/stderr'], PIPES));
    const [stdout, stderr] = await pipe.communicate(BYTES);
    expect([Buffer.compare(stdout, BYTES), Buffer.compare(stderr, BYTES)]).toEqual([0, 0]);
  });

  it('is no crash if the program stops reading', async () => {
    await using pipe = new AsyncPipe(popen(['sh', '-c', 'head -1; exit 3'], PIPES));
    expect(String((await pipe.communicate(BYTES))[0])).toBe('some bytes\n');
    expect(pipe.poll()?.exitCode).toBe(3);
  });

  it('without input closes stdin; what is no pipe is empty', async () => {
    await using pipe = new AsyncPipe(popen(['cat'], { stdin: 'pipe', stderr: 'ignore', stdout: 'pipe' }));
    await pipe.write('before');
    const [stdout, stderr] = await pipe.communicate();
    expect([String(stdout), stderr.length]).toEqual(['before', 0]);
  });

  it('reads the stderr of the first program as well, and gives it before the last one’s', async () => {
    const noisy = 'cat; head -c 200000 /dev/zero | tr "\\0" e >&2';
    const first = popen(['sh', '-c', noisy], PIPES);
    const last = popen(['sh', '-c', 'cat; echo last >&2'], { ...PIPES, stdin: first.stdout });
    await using pipe = new AsyncPipe(first, last);
    const [stdout, stderr] = await pipe.communicate('input');
    expect([String(stdout), String(stderr)]).toEqual(['input', `${'e'.repeat(200_000)}last\n`]);
  });

  it('leaves the stderr of the first program to who has opened it', async () => {
    const first = popen(['sh', '-c', 'cat; echo first >&2'], PIPES);
    const last = popen(['sh', '-c', 'cat; echo last >&2'], { ...PIPES, stdin: first.stdout });
    await using reader = first.stderr.open();
    await using pipe = new AsyncPipe(first, last);
    const [, stderr] = await pipe.communicate('');
    expect([String(await reader.read()), String(stderr)]).toEqual(['first\n', 'last\n']);
  });

  it('after a timeout goes on with the stderr of the first program', async () => {
    const first = popen(['sh', '-c', 'echo first >&2; cat'], PIPES);
    const last = popen(['cat'], { ...PIPES, stdin: first.stdout });
    await using pipe = new AsyncPipe(first, last);
    const [rx, tx] = aiopipe();
    await expect(pipe.communicate(rx, { timeout: 100 })).rejects.toThrow(TimeoutError);
    tx.close();
    expect(String((await pipe.communicate())[1])).toBe('first\n');
  });

  it('rejects with what the input throws', async () => {
    const reason = new Error('no more');
    const input = (function* () {
      yield 'a';
      throw reason;
    })();
    await using pipe = new AsyncPipe(popen(['cat'], PIPES));
    await expect(pipe.communicate(input)).rejects.toBe(reason);
  });

  it('with a timeout loses nothing of what came', async () => {
    await using pipe = new AsyncPipe(popen(['sh', '-c', 'echo came; sleep 1000'], PIPES));
    await expect(pipe.communicate('', { timeout: 100 })).rejects.toThrow(TimeoutError);
    expect(String(await pipe.readLine())).toBe('came\n');
  });

  it('ends although something holds stdout', async () => {
    await using pipe = new AsyncPipe(popen(['sh', '-c', 'sleep 1000 & echo $!'], PIPES));
    const [stdout] = await pipe.communicate();
    expect(isRunning(Number(stdout))).toBe(true);
    process.kill(Number(stdout), 'SIGKILL');
  });

  it('refuses a wrong input, and a stdin that is closed', async () => {
    const [rx, tx] = aiopipe();
    await using pipe = new AsyncPipe(popen(['cat'], PIPES));
    await expect(pipe.communicate(5 as never)).rejects.toThrow(TypeError);
    await expect(pipe.communicate(tx as never)).rejects.toThrow(/needs a ReadEnd/);
    await pipe.stdin.close();
    await expect(pipe.communicate('x')).rejects.toThrow(ClosedError);
    rx.close();
    tx.close();
  });
});

describe('what popen() did not start', () => {
  it.each([null, {}, ['cat'], process])('is a TypeError that says so', (other) => {
    expect(() => new AsyncPipe(other as never)).toThrow(/first: expected a program that popen\(\) returned/);
  });

  it('is one as the last program, too', async () => {
    await using program = popen(['true'], PIPES);
    expect(() => new AsyncPipe(program, null as never)).toThrow(/last: expected a program/);
  });
});

describe('the end', () => {
  it('by close() lets the programs run on to theirs', async () => {
    const first = popen(['cat'], { stdin: 'pipe', stdout: 'pipe' });
    const last = popen(['sh', '-c', 'cat >/dev/null; exit 5'], { stdin: first.stdout, stdout: 'pipe' });
    const pipe = new AsyncPipe(first, last);
    await pipe.write('x');
    await pipe.close();
    expect((await last.wait()).exitCode).toBe(5);
    expect(pipe.poll()?.exitCode).toBe(5);
    await expect(pipe.write('x')).rejects.toThrow(ClosedError);
    await expect(pipe.read()).rejects.toThrow(ClosedError);
  });

  it('of its scope leaves nothing', async () => {
    const { fds, children } = whatIsThere();
    {
      const first = popen(['yes'], { stdin: 'pipe', stdout: 'pipe' });
      await using pipe = new AsyncPipe(first, popen(['cat'], { stdin: first.stdout, stdout: 'pipe', stderr: 'pipe' }));
      await pipe.readLine();
    }
    expect([fds(), children()]).toEqual([[], []]);
  });
});

it('communicate() ends if its input aborts the signal at once', async () => {
  const controller = new AbortController();
  async function* input() {
    controller.abort(new Error('enough'));
    yield 'an input';
  }
  await using pipe = new AsyncPipe(popen(['sleep', '1000'], PIPES));
  await expect(pipe.communicate(input(), { signal: controller.signal })).rejects.toMatchObject({ code: 'ABORT_ERR' });
});
