// The page of `--web` as a person uses it, in a headless Chromium. AIOPIPE_SCREENSHOTS names a folder for pictures of it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Browser, chromium, leakCheck, until, type Page } from '@aiopipe/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  main,
  makeTree,
  manyFiles,
  preloaded,
  runDemo,
  startDemo,
  temporaryDirectory,
  waitFor,
  withProgram,
  type Run,
} from './helpers.js';

const check = leakCheck();
const SLOW = 120_000;

/** A `find` that waits in each round until it is told to go on. */
function gatedFind() {
  const gate = join(temporaryDirectory(), 'gate');
  execFileSync('mkfifo', [gate]);
  return {
    env: withProgram('find', `: < '${gate}'; exec find "$@"`),
    goOn: () => {
      writeFileSync(gate, '');
    },
  };
}

async function urlOf({ text }: Run): Promise<string> {
  const pattern = /http:\/\/127\S+/;
  await until('it says where its page is', () => pattern.test(text.stderr));
  return pattern.exec(text.stderr)?.[0] as string;
}

describe.skipIf(chromium === undefined)('in a browser', { timeout: SLOW }, () => {
  let browser: Browser;
  let page: Page;
  beforeAll(() => {
    browser = new Browser();
  }, SLOW);
  afterAll(async () => {
    await browser.close();
    await check();
  }, SLOW);

  /** Clicks a kill button, and answers the question. */
  async function kill(button: string, signal: 'kill' | 'term'): Promise<void> {
    const [, name, pid] = /^Kill (.*), pid (\d+)$/.exec(button) ?? [];
    await page.evaluate(`document.querySelector('button[aria-label="${button}"]').click()`);
    await page.shows('#kill', `End ${String(name)} (pid ${String(pid)})?`);
    await page.evaluate(`document.querySelector('#kill-${signal}').click()`);
    await page.shows('#notice', `was sent to process ${String(pid)}.`);
  }

  /** The kill buttons of processes with such a name. */
  const buttons = (name: string) =>
    page.evaluate<string[]>(
      `[...document.querySelectorAll('#processes button.danger:not([hidden])')].map((one) => one.ariaLabel)` +
        `.filter((label) => label.startsWith('Kill ${name}'))`,
    );

  test('three workers and a program are killed in the page, restarts follow, and the totals are right to the byte', async () => {
    const { env, goOn } = gatedFind();
    const run = startDemo([manyFiles(300), '--workers', '4', '--web'], { env });
    page = await browser.open(await urlOf(run));
    await page.shows('#told', 'Round 1, 0 restarts: counting, 0 of 0 files');
    await until('all workers are there', async () => (await buttons('census-')).length === 4);
    const workers = await buttons('census-');
    const pids = workers.map((label) => Number(label.split(' ').at(-1)));
    // They get files and do nothing, so all three are killed while they have work.
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    goOn();
    await page.shows('#told', 'counting, 0 of 300 files');
    for (const worker of workers.slice(0, 3)) await kill(worker, 'kill');
    await page.shows('#count-failures', '3');
    await page.shows('#failures .why', 'It was killed by SIGKILL.');
    await page.shows('#processes .last-end:not(:empty)', /^1 restart; at \d\d:\d\d:\d\d it was killed by SIGKILL/);
    await page.shows('#told', 'Round 1, 3 restarts: counting, 2');
    for (const { what, overflow, wide } of await page.looks('demo-counting'))
      expect({ overflow, wide }, what).toEqual({ overflow: 0, wide: 0 });
    process.kill(pids[3] as number, 'SIGCONT');

    // `error 0` to `error 299`, each with a newline.
    const bytes = 10 * 8 + 90 * 9 + 200 * 10;
    const verified = `verified against coreutils: 300 files, 300 lines, ${String(bytes)} bytes, 300 matches`;
    await page.shows('#told', `Round 2, 0 restarts: counting, 0 of 0 files`);
    await page.shows('#told', `Round 1, 3 restarts: ${verified}`);
    for (const { what, overflow, wide } of await page.looks('demo-verified'))
      expect({ overflow, wide }, what).toEqual({ overflow: 0, wide: 0 });
    expect(run.text.stdout).toContain(`4 workers, 3 restarts; `);

    await until('the program is there', async () => (await buttons('find')).length === 1);
    const [find] = await buttons('find');
    await kill(find as string, 'term');
    await until('another one takes its place', async () => {
      const [other, ...more] = await buttons('find');
      return other !== undefined && other !== find && more.length === 0;
    });
    goOn();
    await page.shows('#told', `Round 2, 0 restarts: ${verified}`);
    expect(page.errors).toEqual([]);

    process.kill(run.pid, 'SIGINT');
    await page.shows('#status', 'The program has ended');
    expect(await page.text('#told')).toContain(verified);
    expect(await waitFor(run)).toMatchObject({ code: 0 });
    await page.send('Page.close');
  });
});

describe('--web', { timeout: SLOW }, () => {
  const tree = makeTree({ a: 'error\n', b: 'x' });

  /** Ends it by Ctrl-C in the second round. */
  async function interrupted(args: readonly string[], env?: NodeJS.ProcessEnv) {
    const run = startDemo([tree, '--web', ...args], env && { env });
    await until('the second round begins', () => run.text.stderr.split('\n').length > 2, 60_000);
    process.kill(run.pid, 'SIGINT');
    return waitFor(run);
  }

  test('counts again and again until Ctrl-C, and says in each round where the page is', async () => {
    const { code, stdout, stderr } = await interrupted(['--chaos', '1']);
    expect(code).toBe(0);
    expect(
      stdout.match(/^verified against coreutils: 2 files, 1 lines, 7 bytes, 1 matches$/gm)?.length,
    ).toBeGreaterThan(0);
    const [line = '', ...others] = stderr.trimEnd().split('\n');
    expect(line).toMatch(
      /^demo: kill what you like at http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/ - Ctrl-C ends the census$/,
    );
    for (const other of others) expect(other).toBe(line);
  });

  test('goes on after a round that differs, and exits with 1', async () => {
    const { code, stdout } = await interrupted([], withProgram('sha1sum', 'echo different'));
    expect(code).toBe(1);
    expect(stdout).toContain('MISMATCH with coreutils: sha1 of all sha1 sums');
  });

  test('counts a file at which workers were killed by signals, however often', async () => {
    const marks = temporaryDirectory();
    const killsThreeTimes = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { openSync } = fs;
      fs.openSync = (path, ...more) => {
        if (String(path) === 'b' && fs.readdirSync('${marks}').length < 3) {
          fs.writeFileSync('${marks}/' + process.pid, '');
          process.kill(process.pid, 'SIGKILL');
        }
        return openSync(path, ...more);
      };
      syncBuiltinESMExports();
    `;
    const { stdout } = await interrupted(['--workers', '1'], preloaded(killsThreeTimes));
    expect(stdout).toMatch(/^1 worker, 3 restarts; /m);
    expect(stdout.match(/^verified against coreutils: 2 files, 1 lines/gm)?.length).toBeGreaterThan(0);
    expect(stdout).not.toContain('skipped');
  });

  test('ends at SIGTERM as without it', async () => {
    const run = startDemo([tree, '--web']);
    await urlOf(run);
    process.kill(run.pid, 'SIGTERM');
    expect(await waitFor(run)).toMatchObject({ code: 143 });
  });

  /** A browser that writes down what it is to open. */
  function fakeBrowser() {
    const opened = join(temporaryDirectory(), 'opened');
    const name = process.platform === 'darwin' ? 'open' : 'xdg-open';
    return {
      opened,
      env: { ...withProgram(name, `echo "$1" > '${opened}.part'; mv '${opened}.part' '${opened}'`), DISPLAY: ':0' },
    };
  }

  test('opens the page in the browser if it has a terminal', async () => {
    const { opened, env } = fakeBrowser();
    const argv = ['script', '-qec', `'${process.execPath}' '${main}' '${tree}' --web`, '/dev/null'];
    const run = startDemo([], { env, argv });
    await until('the browser was started', () => existsSync(opened));
    const url = readFileSync(opened, 'utf8').trimEnd();
    await until('the same URL is printed', () => run.text.stdout.includes(url));
    process.kill(run.pid, 'SIGTERM');
    await waitFor(run);
  });

  test('opens no browser without a terminal', async () => {
    const { opened, env } = fakeBrowser();
    await interrupted([], env);
    expect(existsSync(opened)).toBe(false);
  });
});

test.each([
  ['a program of the listing', 'find', 'KILL'],
  ['a program of the verification', 'wc', 'TERM'],
  ['a program that xargs runs', 'sha1sum', 'KILL'],
])('%s that was killed is run again, with the same figures', async (_, program, signal) => {
  const marker = join(temporaryDirectory(), 'killed');
  const script = `mkdir '${marker}' 2>/dev/null && kill -${signal} $$; exec ${program} "$@"`;
  const { code, stdout } = await runDemo([manyFiles(20)], { env: withProgram(program, script) });
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(': 20 files, 20 lines') });
  expect(existsSync(marker)).toBe(true);
});
