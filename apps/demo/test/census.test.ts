import { execFileSync } from 'node:child_process';
import { chmodSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { census, main, makeTree, manyFiles, runDemo, temporaryDirectory, withProgram } from './helpers.js';

afterAll(leakCheck());

const MIB = 1024 * 1024;

test('the last line says what was verified', async () => {
  const tree = makeTree({ 'a.txt': 'error\nno\n', 'sub/b.TXT': 'a todo\nTODO' });
  const { code, lastLine, stdout, stderr } = await runDemo([tree]);
  expect(stderr).toBe('');
  expect(lastLine).toBe('verified against coreutils: 2 files, 3 lines, 20 bytes, 3 matches');
  expect(stdout).toMatch(/│ \.txt +│ +2 │ +3 │ +20 │ +3 │/);
  expect(code).toBe(0);
});

test('an empty tree is verified too', async () => {
  const { code, lastLine } = await runDemo([temporaryDirectory()]);
  expect([code, lastLine]).toEqual([0, 'verified against coreutils: 0 files, 0 lines, 0 bytes, 0 matches']);
});

test('names are bytes, and may look like options', async () => {
  const names = [
    ...[
      'two  words',
      'new\nline',
      '\n',
      '-',
      '--',
      '-n',
      '--help',
      '-e x',
      `quote'"`,
      '*',
      '$(x)',
      '\\n',
      '\t',
      '\x1b[31m',
      '~',
    ],
    ...[
      '\xff\xfe',
      'a.\xff',
      'b.\xff',
      'c.\xc3\x89',
      'sub/-',
      '-d/-f',
      '.hidden',
      '.x.y',
      'dot.',
      '\xef\xbb\xbf',
      'L'.repeat(255),
    ],
    `${'d'.repeat(200)}/`.repeat(15) + 'deep.c',
  ];
  const found = await census([makeTree(Object.fromEntries(names.map((name) => [name, 'error\n'])))]);
  expect(found).toMatchObject({ files: names.length, matches: names.length, verified: true, skipped: [] });
  expect(found.extensions.map(({ extension }) => extension)).toEqual(
    expect.arrayContaining(['.\\xff', '.É', '.y', '.', '.c']),
  );
  expect(found.duplicates[0]?.paths).toEqual(expect.arrayContaining(['new\\nline', '\\\\n', 'a.\\xff', '\\u{feff}']));
});

test('the contents of files are bytes, in blocks of any size', async () => {
  const tree = makeTree({
    empty: '',
    'no-newline': 'error',
    nul: 'a\0error\0\nb\0\n\0',
    crlf: 'error\r\nno\r\nTODO\r\n',
    'all-bytes': Buffer.from(Array.from({ length: 1024 }, (_, index) => index % 256)),
    newlines: '\n'.repeat(100),
    'one-block': 'a'.repeat(MIB),
    'newline-ends-block': `${'a'.repeat(MIB - 1)}\n`,
    'match-over-blocks': `${'a'.repeat(MIB - 3)}error\nx`,
    'newline-begins-block': `${'a'.repeat(MIB)}\nerror\n${'b'.repeat(MIB)}TODO`,
    'long-line': Buffer.concat([Buffer.alloc(40 * MIB, 'a'), Buffer.from('error')]),
  });
  expect(await census([tree])).toMatchObject({ files: 11, verified: true, mismatches: [], skipped: [] });
});

test('a line too long to be looked at is a skip with its reason', async () => {
  const tree = makeTree({ 'a.txt': 'error\n', hole: '' });
  truncateSync(join(tree, 'hole'), 2 ** 31);
  const { files, verified, skipped } = await census([tree]);
  expect({ files, verified }).toEqual({ files: 1, verified: true });
  expect(skipped).toEqual([{ path: 'hole', reason: 'a line is too long for the pattern' }]);
});

test('a pattern that grep reads otherwise is not verifiable', async () => {
  const { code, lastLine } = await runDemo([makeTree({ a: 'x1\n' }), '--pattern', '\\d']);
  expect([code, lastLine]).toEqual([
    0,
    'verified against coreutils: 1 files, 1 lines, 3 bytes, pattern not verifiable',
  ]);
});

test('a pattern may begin with a dash', async () => {
  const { lastLine } = await runDemo([makeTree({ a: 'x -e y\n' }), '--pattern', '-e']);
  expect(lastLine).toMatch(/ 1 matches$/);
});

test('identical files are found, with what they waste', async () => {
  const tree = makeTree({ a: 'same', b: 'same', 'c/d': 'same', e: 'other', f: '', g: '' });
  const { duplicates } = await census([tree]);
  expect(duplicates).toMatchObject([{ paths: ['a', 'b', 'c/d'], wastedBytes: 8 }]);
});

describe('what is no file to be read', () => {
  test('links, FIFOs and sockets are not counted, nor waited for', async () => {
    const tree = makeTree({ 'dir/a': 'error\n' });
    symlinkSync('nowhere', join(tree, 'dangling'));
    symlinkSync('dir', join(tree, 'to-directory'));
    symlinkSync('.', join(tree, 'loop'));
    symlinkSync('dir/a', join(tree, 'to-file'));
    execFileSync('mkfifo', [join(tree, 'fifo')]);
    const server = createServer().listen(join(tree, 'socket'));
    try {
      expect(await census([tree])).toMatchObject({ files: 1, skipped: [], verified: true });
    } finally {
      server.close();
    }
  });

  test('what turns into a FIFO or a link after it was listed is skipped', async () => {
    const tree = makeTree({ a: 'x\n', b: 'x\n', c: 'x\n' });
    const env = withProgram('find', 'find "$@" && { [ -p b ] || { rm b c && mkfifo b && ln -s a c; }; }');
    const { files, verified, skipped } = await census([tree], { env });
    expect({ files, verified }).toEqual({ files: 1, verified: true });
    expect(skipped.map(({ path }) => path).sort()).toEqual(['b', 'c']);
  });

  test('files and directories that may not be read are skipped, and said', async () => {
    const tree = makeTree({ 'ok/a': 'error\n', 'ok/secret': 'x', 'closed/a': 'x' });
    chmodSync(join(tree, 'ok/secret'), 0);
    chmodSync(join(tree, 'closed'), 0);
    const found = await census([tree], asNobody());
    chmodSync(join(tree, 'closed'), 0o755);
    expect(found).toMatchObject({ files: 1, verified: true });
    expect(found.skipped).toEqual([{ path: 'ok/secret', reason: 'EACCES: permission denied' }]);
    expect(found.unreadable).toEqual([expect.stringMatching(/closed.*Permission denied/)]);
  });

  test('a directory that may not be read at all is refused', async () => {
    const tree = makeTree({ a: 'x' });
    chmodSync(tree, 0o444);
    const { code, stderr } = await runDemo([tree], asNobody());
    chmodSync(tree, 0o755);
    expect([code, stderr]).toEqual([1, expect.stringContaining('cannot be read: permission denied')]);
  });
});

describe('what vanishes meanwhile', () => {
  test('a file that is gone when its turn comes is skipped', async () => {
    const tree = makeTree({ a: 'x\n', b: 'x\n', 'sub/c': 'x\n' });
    const env = withProgram('find', 'find "$@"; rm -rf b sub');
    const { files, verified, skipped } = await census([tree], { env });
    expect({ files, verified }).toEqual({ files: 1, verified: true });
    expect(skipped).toHaveLength(2);
    expect(skipped).toContainEqual({ path: 'b', reason: 'ENOENT: no such file or directory' });
  });

  test('a file that is gone before the verification is a mismatch that names the figures', async () => {
    const tree = makeTree({ a: 'error\n', b: 'error\n' });
    const { code, lastLine, stdout, stderr } = await runDemo([tree], {
      env: withProgram('xargs', 'rm -f b; exec xargs "$@"'),
    });
    expect([code, stderr]).toEqual([1, '']);
    expect(lastLine).toMatch(
      /^MISMATCH with coreutils: .*lines: 2 here, 1 by coreutils; bytes: 12 here, 6 by coreutils/,
    );
    expect(lastLine).toMatch(/matches: 2 here, 1 by coreutils.*sha1/);
    expect(stdout).toContain('cat: ./b: No such file or directory');
  });

  test('a tree that is gone while it is listed ends with skips or a message, not with a stack trace', async () => {
    const tree = manyFiles(50);
    const { stdout, stderr } = await runDemo([tree], { env: withProgram('find', `find "$@"; rm -rf '${tree}'`) });
    expect(stdout + stderr).not.toMatch(/^\s+at /m);
    expect(stdout + stderr).not.toBe('');
  });
});

test('the default is the installed node_modules', async () => {
  const { code, stdout } = await runDemo(['--help']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('node_modules')]);
});

/** The superuser may read everything; whoever runs the tests as another user needs no help. */
function asNobody(): { argv: string[] } {
  if (process.getuid?.() !== 0) return { argv: [process.execPath, main] };
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  return { argv: [...nobody, process.execPath, main] };
}

describe('bad arguments', () => {
  const tree = makeTree({ file: 'x' });
  writeFileSync(join(tree, 'not-a-directory'), '');
  symlinkSync('circle', join(tree, 'circle'));
  test.each([
    [['/nowhere/at/all'], 'does not exist'],
    [[join(tree, 'not-a-directory')], 'is not a directory'],
    [[join(tree, 'not-a-directory/x')], 'ENOTDIR'],
    [[join(tree, 'circle')], 'ELOOP'],
    [[`/${'x'.repeat(300)}`], 'ENAMETOOLONG'],
    [[tree, tree], 'too many arguments'],
    [[tree, '--pattern', '('], 'Invalid regular expression'],
    [[tree, '--workers', '0'], 'whole number from 1'],
    [[tree, '--workers', '1.5'], 'whole number'],
    [[tree, '--workers', ''], 'whole number'],
    [[tree, '--workers'], 'argument missing'],
    [[tree, '--chaos', '-1'], 'whole number from 0'],
    [[tree, '--chaos', 'many'], 'whole number'],
    [[tree, '--bogus'], "unknown option '--bogus'"],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await runDemo(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
