import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { aiopipe, AsyncFile, BrokenPipeError, BusyError, ClosedError, DuplexEnd, MovedError } from '@aiopipe/core';
import { AsyncPipe, pipeline, popen, type PopenOptions } from '@aiopipe/subprocess';
import { fixture, leakCheck, until } from '@aiopipe/testing';
import { afterAll, describe, expect, expectTypeOf, it } from 'vitest';
import { errorOf, whatIsThere } from '../helpers.js';
import { User } from './user.js';

afterAll(leakCheck());

const SIZE = { columns: 80, rows: 24 };

/** Everything that a program shows, and how it ended. */
async function shown(argv: string[], options: Parameters<typeof User.of>[1] = {}): Promise<[string, number | null]> {
  await using user = User.of(argv, options);
  return [await user.rest(), (await user.program.wait()).exitCode];
}

describe('a program with a terminal', () => {
  it('has it as stdin, stdout and stderr, in the size that was asked for', async () => {
    const script = 'test -t 0 && test -t 1 && test -t 2 && stty size; exit 3';
    expect(await shown(['sh', '-c', script], { terminal: { columns: 123, rows: 45 } })).toEqual(['45 123\r\n', 3]);
    expect(await shown(['stty', 'size'], { terminal: { columns: 65_535, rows: 1 } })).toEqual(['1 65535\r\n', 0]);
  });

  it('has our end as p.terminal, and no pipes', async () => {
    const p = popen(['true'], { terminal: SIZE });
    expectTypeOf(p.terminal).toEqualTypeOf<DuplexEnd>();
    expectTypeOf(popen(['true'], { stdin: 'ignore' }).terminal).toEqualTypeOf<undefined>();
    expect([p.terminal.state, p.stdin, p.stdout, p.stderr]).toEqual(['owned', undefined, undefined, undefined]);
    await p.wait();
    p.terminal.close();
  });

  it('leads a session whose controlling terminal it is, and is in its foreground', async () => {
    await using user = User.of(['sh', '-c', 'cut -d" " -f5-8 /proc/$$/stat']);
    const [group, session, device, foreground] = (await user.rest()).trim().split(' ').map(Number);
    expect([group, session, foreground]).toEqual([user.program.pid, user.program.pid, user.program.pid]);
    expect(device).toBeGreaterThan(0);
  });

  it('gets no other descriptors of ours', async () => {
    const [rx, tx] = aiopipe();
    // One more is the listing itself.
    const [text] = await shown(['ls', '/proc/self/fd'], { fds: { 7: tx }, terminal: { name: 'dumb' } });
    expect(text.split(/\s+/).filter(Boolean)).toEqual(['0', '1', '2', '3', '7']);
    rx.close();
  });

  it('gets keys, with an echo, and lines that it can edit, character by character also in UTF-8', async () => {
    await using user = User.of(['sh', '-c', 'read -r line; echo "[$line]"']);
    await user.type('a€\x7fb\r');
    expect(await user.rest()).toMatch(/\[ab\]\r\n$/);
  });

  it('asks for a password on /dev/tty, which is not shown', async () => {
    const script = 'stty -echo </dev/tty; printf "Password: " >/dev/tty; read -r p </dev/tty; echo "$p" | wc -c';
    await using user = User.of(['sh', '-c', script]);
    await user.sees('Password: ');
    await user.type('secret\r');
    expect((await user.rest()).trim()).toBe('7');
  });

  it('ends by Ctrl-C as a byte, and reads the end of its input by Ctrl-D', async () => {
    await using user = User.of(['cat']);
    await user.type('a\r');
    await user.sees('a\r\na\r\n');
    await user.type('\x03');
    expect((await user.program.wait()).signalCode).toBe('SIGINT');
    await using other = User.of(['cat']);
    await other.type('a\r\x04');
    expect(await other.rest()).toBe('a\r\na\r\n');
    expect((await other.program.wait()).exitCode).toBe(0);
  });

  it('starts with limits', async () => {
    const [text] = await shown(['sh', '-c', 'ulimit -n; stty size'], { limits: { openFiles: 77 } });
    expect(text).toBe('77\r\n24 80\r\n');
  });

  it.runIf(process.getuid?.() === 0)('of another user can open its terminal by its name', async () => {
    const limits = { uid: 65_534, gid: 65_534 };
    const [text, code] = await shown(['sh', '-c', 'exec >"$(tty)"; id -u; stty size </dev/tty'], { limits });
    expect([text, code]).toEqual(['65534\r\n24 80\r\n', 0]);
  });
});

describe('TERM of a program with a terminal', () => {
  const echo = ['sh', '-c', 'echo "$TERM $A $COLUMNS $LINES"'];

  it('is xterm-256color, or the name of the terminal', async () => {
    expect((await shown(echo, { env: {} }))[0].trim()).toBe('xterm-256color');
    expect((await shown(echo, { env: { A: '1' }, terminal: { name: 'vt100' } }))[0].trim()).toBe('vt100 1');
  });

  it('is that of the option env, if the terminal has no name', async () => {
    expect((await shown(echo, { env: { TERM: 'linux' } }))[0].trim()).toBe('linux');
    expect((await shown(echo, { env: { TERM: 'linux' }, terminal: { name: 'dumb' } }))[0].trim()).toBe('dumb');
  });

  it('is not ours, and the size of our terminal is left out', async () => {
    Object.assign(process.env, { TERM: 'ours', A: 'a', COLUMNS: '11', LINES: '12' });
    try {
      expect((await shown(echo))[0].trim()).toBe('xterm-256color a');
    } finally {
      for (const name of ['A', 'COLUMNS', 'LINES']) Reflect.deleteProperty(process.env, name);
    }
  });
});

describe('the stream of a terminal', () => {
  it('ends behind all that the program has written, also if it was not read before the end', async () => {
    const p = popen(['sh', '-c', 'seq 400'], { terminal: SIZE });
    await p.wait();
    const expected = Array.from({ length: 400 }, (_, i) => `${String(i + 1)}\r\n`).join('');
    await using stream = p.terminal.open();
    expect(String(await stream.reader.read())).toBe(expected);
    expect(stream.reader.atEof).toBe(true);
  });

  it('ends when the last program closes the terminal, not before', async () => {
    await using user = User.of(['sh', '-c', 'trap "" HUP; exec 3<&0; (read -r line <&3; echo "late: $line") & exit 0']);
    await user.program.wait();
    await user.type('word\r');
    expect(await user.rest()).toContain('late: word\r\n');
  });

  it('takes no more bytes then', async () => {
    const p = popen(['true'], { terminal: SIZE });
    await using stream = p.terminal.open();
    await stream.reader.read();
    await stream.writer.write('a').catch(() => undefined);
    await expect(stream.writer.drain()).rejects.toThrow(BrokenPipeError);
    await expect(stream.writer.write('b')).rejects.toMatchObject({ code: 'EPIPE' });
  });

  it('rejects a write that waits when the program ends', async () => {
    const [rx, tx] = aiopipe();
    const p = popen(['sh', '-c', 'stty raw -echo; echo ready; read -r line <&9'], { terminal: SIZE, fds: { 9: rx } });
    await using stream = p.terminal.open();
    await stream.reader.readUntil('ready');
    const write = stream.writer.write(Buffer.alloc(2 ** 20, 'x'));
    await until('the terminal takes no more', () => stream.writer.unflushed > 0);
    p.kill('SIGKILL');
    await expect(write).rejects.toThrow(BrokenPipeError);
    await stream.reader.read();
    tx.close();
  });

  it('sends nothing when the writer closes: what ends the input is typed', async () => {
    await using user = User.of(['sh', '-c', 'echo ready; read -r line && echo "read: $line"; cat']);
    await user.sees('ready');
    await user.type('line\r\x04');
    await user.stream.writer.close();
    expect(await user.rest()).toBe('\r\nline\r\nread: line\r\n');
    expect((await user.program.wait()).exitCode).toBe(0);
  });

  it('can be read and written as streams of Node.js', async () => {
    const p = popen(['cat'], { terminal: SIZE });
    const stream = p.terminal.open().toNode();
    stream.write('word\r');
    let text = '';
    for await (const chunk of stream) {
      text += String(chunk);
      if (text.endsWith('word\r\nword\r\n')) stream.write('\x04');
    }
    expect((await p.wait()).exitCode).toBe(0);
  });
});

describe('resize()', () => {
  it('changes the size, and the program gets SIGWINCH', async () => {
    await using user = User.of([
      'sh',
      '-c',
      'trap "stty size; exit" WINCH; echo ready; while :; do read -r line; done',
    ]);
    await user.sees('ready');
    user.program.resize({ columns: 100, rows: 50 });
    await user.sees('50 100');
  });

  it('works before the terminal is opened, and after the program has ended', async () => {
    const p = popen(['sh', '-c', 'read -r line; stty size'], { terminal: SIZE });
    p.resize({ columns: 99, rows: 9 });
    await using stream = p.terminal.open();
    await stream.writer.write('\r');
    expect(String(await stream.reader.read())).toContain('9 99');
    await p.wait();
    p.resize({ columns: 1, rows: 1 });
  });

  it('throws ClosedError once the terminal is closed', async () => {
    const p = popen(['cat'], { terminal: SIZE });
    p.terminal.close();
    expect(() => {
      p.resize(SIZE);
    }).toThrow(ClosedError);
    await p.wait();
  });

  it('throws MovedError once the terminal was handed on', async () => {
    const p = popen(['cat'], { terminal: SIZE });
    const stream = DuplexEnd.fromFd(p.terminal.release()).open();
    expect(() => {
      p.resize(SIZE);
    }).toThrow(MovedError);
    await stream.writer.write('\x04');
    expect((await p.wait()).exitCode).toBe(0);
    await stream.close();
  });

  it.each([
    [undefined, /size: expected \{ columns, rows \}/],
    [{ columns: 0, rows: 1 }, /columns: expected a whole number of characters, from 1 to 65535, not 0/],
    [{ columns: 1, rows: 65_536 }, /rows: .* not 65536/],
    [{ columns: 1.5, rows: 1 }, /columns: .* not 1\.5/],
    [{ columns: 1 }, /rows: .* not undefined/],
    [{ columns: 1, rows: 1, cols: 1 }, /size\.cols: unknown option/],
  ])('refuses %j', async (size, message) => {
    await using p = popen(['cat'], { terminal: SIZE });
    const error = errorOf(() => {
      p.resize(size as never);
    });
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(message);
  });

  it('is refused for a program without a terminal', async () => {
    const p = popen(['true'], { stdin: 'ignore' });
    expect(() => {
      p.resize(SIZE);
    }).toThrow(/true \(pid \d+\) has no terminal/);
    await p.wait();
  });
});

describe('bad options of a terminal', () => {
  const terminal = SIZE;
  it.each<[string, object, RegExp]>([
    ['stdin', { terminal, stdin: 'inherit' }, /stdin: cannot be given together with terminal/],
    ['stdout', { terminal, stdout: 'pipe' }, /stdout: cannot be given together with terminal/],
    ['stderr', { terminal, stderr: 'stdout' }, /stderr: cannot be given together with terminal/],
    ['a group', { terminal, group: 'own' }, /group: cannot be given together with terminal, because .* session/],
    ['null', { terminal: null }, /terminal: expected an object, such as \{ columns, rows, name \}, not null/],
    ['true', { terminal: true }, /terminal: expected an object/],
    ['no size', { terminal: {} }, /terminal\.columns: expected a whole number .* not undefined/],
    ['no columns', { terminal: { columns: 0, rows: 1 } }, /terminal\.columns: .* from 1 to 65535, not 0/],
    ['too many rows', { terminal: { columns: 1, rows: 65_536 } }, /terminal\.rows: .* not 65536/],
    ['a text', { terminal: { columns: '80', rows: 24 } }, /terminal\.columns: .* not '80'/],
    ['no end', { terminal: { columns: Infinity, rows: 24 } }, /terminal\.columns: .* not Infinity/],
    ['an empty name', { terminal: { ...terminal, name: '' } }, /terminal\.name/],
    ['a NUL in the name', { terminal: { ...terminal, name: 'a\0' } }, /terminal\.name/],
    ['a misspelt option', { terminal: { ...terminal, colums: 1 } }, /terminal\.colums: .* did you mean columns/],
  ])('%s: a TypeError before anything was made', (_name, options, message) => {
    const { fds, children } = whatIsThere();
    const error = errorOf(() => popen(['cat'], options as PopenOptions));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(message);
    expect([fds(), children()]).toEqual([[], []]);
  });
});

describe('what has no terminal', () => {
  it('is a stage of a chain', () => {
    expect(() => pipeline({ argv: ['cat'], terminal: SIZE } as never)).toThrow(
      /stage 1: terminal: a program of a chain reads from pipes .* start it alone, with popen\(\)/,
    );
  });

  it('is an AsyncPipe: an AsyncFile takes a terminal', async () => {
    await using p = popen(['cat'], { terminal: SIZE });
    expect(() => new AsyncPipe(p)).toThrow(
      /first: cat \(pid \d+\) has a terminal in place of pipes; open its `terminal`/,
    );
    const file = new AsyncFile(p.terminal);
    await file.write('word\r\x04');
    expect(String(await file.read())).toBe('word\r\nword\r\n');
    await file.close();
  });
});

describe('a program with a terminal that cannot be started', () => {
  it.each([
    ['no program', ['no-such-program'], {}, 'ENOENT'],
    ['no directory', ['cat'], { cwd: '/no/such/directory' }, 'ENOENT'],
    ['no right to limits', ['cat'], { limits: { cgroup: '/no/such/cgroup' } }, 'ENOENT'],
  ])('because there is %s: leaves nothing', (_name, argv, options, code) => {
    const { fds, children } = whatIsThere();
    const [rx, tx] = aiopipe();
    expect(errorOf(() => popen(argv, { terminal: SIZE, fds: { 3: tx }, ...options })).code).toBe(code);
    rx.close();
    expect([tx.state, fds(), children()]).toEqual(['moved', [], []]);
  });

  it('for want of descriptors: leaves nothing, and starts once there are enough', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [fixture('terminals-without-fds')]);
    const attempts = JSON.parse(stdout) as { code: string; leftBehind: unknown[] }[];
    expect(attempts.map(({ leftBehind }) => leftBehind)).toEqual(attempts.map(() => []));
    const codes = attempts.map(({ code }) => code);
    expect(codes.pop()).toBe('success');
    expect(codes.length).toBeGreaterThan(2);
    expect(new Set(codes)).toEqual(new Set(['EMFILE']));
  });

  it('because it was asked for what is not there to move', () => {
    const [rx, tx] = aiopipe();
    const reader = rx.open();
    const { fds } = whatIsThere();
    expect(() => popen(['cat'], { terminal: SIZE, fds: { 3: rx } })).toThrow(BusyError);
    expect(fds()).toEqual([]);
    reader.close();
    tx.close();
  });
});
