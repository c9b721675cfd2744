import { spawn } from 'node:child_process';
import { afterAll, describe, expect, test } from 'vitest';
import { leakCheck } from '@aiopipe/testing';
import { main, makeTree, manyFiles, runDemo, withProgram } from './helpers.js';

afterAll(leakCheck());

const tree = makeTree({ a: 'error\n', b: 'error\n' });
const demo = `'${process.execPath}' '${main}' '${tree}'`;
const inShell = (line: string) => ({ argv: ['sh', '-c', line] });

test('--json prints one document and nothing else', async () => {
  const { code, stdout, stderr } = await runDemo([tree, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ directory: tree, files: 2, verified: true, patternVerified: true });
});

test('--json says what differs, too', async () => {
  const env = withProgram('xargs', 'echo more >> b; exec xargs "$@"');
  const other = makeTree({ a: 'error\n', b: 'error\n' });
  const { code, stdout } = await runDemo([other, '--json'], { env });
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ verified: false, patternVerified: false });
});

test('piped, there is no bar', async () => {
  const { stdout, stderr } = await runDemo([], inShell(`${demo} 2>&1 | cat`));
  expect(stdout).not.toMatch(/\x1b|░|█/); // oxlint-disable-line no-control-regex -- what a bar is made of
  expect(stderr).toBe('');
});

test('a reader that has enough ends it without a complaint', async () => {
  const { code, stdout, stderr } = await runDemo([], inShell(`${demo} | head -1`));
  expect({ code, lines: stdout.split('\n').length, stderr }).toEqual({ code: 0, lines: 2, stderr: '' });
});

test('a reader that is gone ends what was going on', async () => {
  const env = withProgram('sha1sum', 'exec sleep 1000');
  const { stderr } = await runDemo([], { env, ...inShell(`${demo} | head -c 0`) });
  expect(stderr).toBe('');
});

test('a slow reader gets all', async () => {
  const { stdout } = await runDemo([], inShell(`${demo} --json | (sleep 0.5; cat)`));
  expect(JSON.parse(stdout)).toMatchObject({ files: 2 });
});

test('closed output is as good as none', async () => {
  expect(await runDemo([], inShell(`${demo} >&-`))).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(await runDemo([], inShell(`${demo} <&- >&- 2>&-`))).toMatchObject({ code: 0, stdout: '', stderr: '' });
});

test('output that cannot be written is said', async () => {
  const { code, stderr } = await runDemo([], inShell(`${demo} > /dev/full`));
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^demo: the output cannot be written: ENOSPC/),
  });
});

describe('on a terminal', () => {
  const HIDE = '\x1b[?25l';
  const SHOW = '\x1b[?25h';
  const CLEAR_LINE = '\x1b[2K';
  const onTerminal = (line: string) => ({ argv: ['script', '-qec', `stty cols 80; ${line}`, '/dev/null'] });

  test('there is a bar with rate and time left, which is gone at the end', async () => {
    const bar = `'${process.execPath}' '${main}' '${manyFiles(300)}'`;
    const { stdout } = await runDemo([], onTerminal(bar));
    expect(stdout).toMatch(/[░█]{24} \d+% \| \d+\/300 files \| .*B\/s \| .+ left/);
    const table = stdout.indexOf('extension');
    expect(stdout.indexOf(HIDE)).toBeLessThan(stdout.lastIndexOf(SHOW));
    expect(stdout.lastIndexOf(SHOW)).toBeLessThan(table);
    expect(stdout.lastIndexOf(CLEAR_LINE)).toBeLessThan(table);
    expect(stdout.slice(stdout.lastIndexOf(CLEAR_LINE))).not.toMatch(/[░█]/);
    expect(stdout.trimEnd()).toMatch(/verified against coreutils: 300 files.*$/);
  });

  test('with --json there is none', async () => {
    const { stdout } = await runDemo([], onTerminal(`${demo} --json`));
    expect(JSON.parse(stdout)).toMatchObject({ files: 2 });
  });

  test('Ctrl-C brings the cursor back', async () => {
    const bar = `'${process.execPath}' '${main}' '${manyFiles(3000)}' --workers 1`;
    const terminal = spawn('script', ['-qec', bar, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let shown = '';
    const ended = new Promise<void>((resolve) => terminal.on('close', resolve));
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (!shown.includes(HIDE) && text.includes(HIDE)) terminal.stdin.write('\x03');
      shown += text;
    });
    await ended;
    expect(shown.lastIndexOf(SHOW)).toBeGreaterThan(shown.lastIndexOf(HIDE));
    expect(shown).not.toContain('verified');
  });
});
