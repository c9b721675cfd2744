// The page as a person uses it, in a headless Chromium. AIOPIPE_SCREENSHOTS names a folder for pictures of it.
import { Browser, chromium, isRunning, leakCheck, until, type Page } from '@aiopipe/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { underInspector } from './program.js';

const check = leakCheck();
const { start, program } = underInspector();

describe.skipIf(chromium === undefined)('the page', () => {
  let browser: Browser;
  let page: Page;
  beforeAll(() => {
    browser = new Browser();
  });
  afterEach(async () => {
    const { errors } = page;
    await page.send('Page.close');
    expect(errors).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    await check();
  });

  const open = async (name: string, env: NodeJS.ProcessEnv = {}) => {
    page = await browser.open(await start(name, env));
    await page.shows('#status', 'Live');
    await page.shows('#facts', `pid\n${String(program().pid)}`);
  };

  it('says of a program that has nothing that there is nothing', async () => {
    await open('many-processes', { COUNT: '0' });
    for (const [section, text] of [
      ['#failures', 'Nothing has failed'],
      ['#processes', 'has started no process'],
      ['#pools', 'has no pool'],
      ['#channels', 'No channel is open'],
      ['#chains', 'No chain of programs runs'],
      ['#clusters', 'has opened no cluster'],
      ['#events', 'Nothing has happened'],
    ] as const) {
      await page.shows(section, text);
    }
    expect(await page.evaluate('document.querySelectorAll("table:not([hidden])").length')).toBe(0);
  });

  it('shows processes, supervisors, pools, channels and chains, with their rates', async () => {
    await open('busy-program');
    await page.shows('#command', 'busy-program.js');
    await page.shows(
      '#processes',
      /Supervisor 1[^]*web[^]*sleep 1000[^]*Supervisor mail[^]*inbox[^]*The pool of resize/,
    );
    await page.shows('#pools', /The pool of resize[^]*run \(median, p99\)\s*\d/);
    await page.shows('#pools tbody', /resize-\d \(pid \d+\)\s*busy\s*resize for/);
    await page.shows('#channels', /channel reader[^]*\d\/s/);
    await page.shows('#chains', /sh \(pid \d+\)[^]*kB\/s[^]*gzip \(pid \d+\)/);
    await page.shows('#charts', /Messages\/s[^]*Tasks of all pools[^]*Bytes through chains/);
    await until('the charts are drawn', () =>
      page.evaluate('document.querySelectorAll("#charts canvas").length === 6'),
    );
    expect(await page.evaluate('document.querySelectorAll("button.danger:not(dialog *)").length > 0')).toBe(true);
    expect(await page.evaluate('document.querySelector("#processes .kill").checkVisibility()')).toBe(false);
  });

  it('says how many supervisors and children of theirs are not shown', async () => {
    await open('many-supervisors');
    await page.shows('#processes .left-out', 'Not shown: 2 supervisors, 3 children of supervisors.');
    await page.shows('#count-processes', '0');
  });

  it('says which worker has died, why, and what it was doing', async () => {
    await open('busy-program');
    await program().facts();
    program().order('die');
    await page.shows('#failures .failures', /resize-\d of the pool of resize \(pid \d+\)/);
    await page.shows('#failures .why', 'It was killed by SIGKILL.');
    await page.shows('#failures dl', /What it was doing\s*It ran resize for .*; \d+ tasks? since its start/);
    program().order('crash');
    await page.shows('#failures .why', 'It exited with code 1: RangeError: the image has no pixels.');
    await page.shows('#count-failures', '2');
    await page.shows('#pools', /workers died\s*2/);
  });

  it('follows a restart', async () => {
    await open('busy-program');
    const { web } = await program().facts<{ web: number }>();
    await page.shows('#processes', `pid ${String(web)}`);
    process.kill(web, 'SIGKILL');
    await page.shows('#processes .last-end:not(:empty)', /^1 restart; at \d\d:\d\d:\d\d it was killed by SIGKILL/);
    await page.shows('#failures dl', /What follows\s*It will be restarted after \d+ ms\./);
    await page.shows('#events tbody', /web of supervisor 1 \(pid \d+\)\s*was restarted \(restart 1\)/);
    expect(await page.text('#processes')).not.toContain(`pid ${String(web)}`);
  });

  it('kills a worker by the keyboard alone, after a question', async () => {
    await open('busy-program', { AIOPIPE_INSPECTOR_KILL: '1' });
    const { web } = await program().facts<{ web: number }>();
    const button = `#processes button[aria-label="Kill web, pid ${String(web)}"]`;
    await until('the button is there', () => page.evaluate(`document.querySelector('${button}') !== null`));
    const focused = () => page.evaluate<string>('document.activeElement.ariaLabel ?? document.activeElement.innerText');
    const tabTo = async (name: string) => {
      for (let presses = 0; (await focused()) !== name; presses++) {
        if (presses > 60) throw new Error(`Tab did not lead to ${name}, but to ${await focused()}`);
        await page.press('Tab');
      }
    };
    await tabTo(`Kill web, pid ${String(web)}`);
    await page.press('Enter');
    await page.shows('#kill', `End web (pid ${String(web)})?`);
    expect(await focused()).toBe('Cancel');
    await page.press('Escape');
    expect(await page.evaluate('document.querySelector("#kill").open')).toBe(false);
    expect(isRunning(web)).toBe(true);

    await page.press('Enter');
    await tabTo('Kill it now (SIGKILL)');
    await page.press('Enter');
    await page.shows('#notice', `SIGKILL was sent to process ${String(web)}.`);
    await until('it has ended', () => !isRunning(web));
    await page.shows('#processes .last-end:not(:empty)', 'it was killed by SIGKILL');
  });

  it('opens and closes groups, and finds events, by what the user says', async () => {
    await open('busy-program');
    await page.shows('#processes', 'inbox');
    const toggle = "[...document.querySelectorAll('.toggle')].find((one) => one.innerText === 'Supervisor mail')";
    await page.evaluate(`${toggle}.click()`);
    expect(await page.text('#processes')).not.toContain('inbox');
    expect(await page.evaluate(`${toggle}.ariaExpanded`)).toBe('false');
    await page.shows('#events tbody', 'resize-1');
    await page.evaluate("document.querySelector('#find').value = 'INBOX'");
    await page.evaluate("document.querySelector('#find').dispatchEvent(new Event('input'))");
    const rows = await page.evaluate<string[]>(
      "[...document.querySelectorAll('#events tbody tr')].map((row) => row.innerText)",
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const text of rows) expect(text).toContain('inbox');
  });

  it('says when the program has ended, and keeps what was seen last', async () => {
    await open('busy-program');
    await page.shows('#processes', 'inbox');
    program().order('leave');
    await page.shows('#status', 'The program has ended');
    expect(await page.text('#processes')).toContain('inbox');
    // The browser tells of the connection that it lost.
    page.errors.splice(0);
  });

  it('shows 1,000 processes, goes on, and leads the keyboard to them and past them', async () => {
    await open('many-processes', { COUNT: '1000', AIOPIPE_INSPECTOR_KILL: '1' });
    await page.shows('#count-processes', /^1,000$/);
    const age = () => page.text('#processes tbody tr:last-child td:nth-child(5)');
    const before = await age();
    await until('it goes on', async () => (await age()) !== before);
    expect(await page.evaluate('document.querySelectorAll("#processes tbody tr").length')).toBe(1000);
    await page.shows('#count-events', /^1,000$/);

    await page.evaluate(`document.querySelector('nav a[href="#processes"]').focus()`);
    await page.press('Enter');
    const focused = (test: string) => page.evaluate(`((one) => ${test})(document.activeElement)`);
    const isHidden = 'one.getBoundingClientRect().top < document.querySelector("nav").getBoundingClientRect().bottom';
    while (!(await focused('one.innerText === "Kill"'))) {
      await page.press('Tab');
      expect(await focused('one.closest("#processes") !== null')).toBe(true);
      expect(await focused(isHidden)).toBe(false);
    }
    await page.evaluate(`document.querySelector('#processes .skip-list').focus()`);
    await page.press('Enter');
    await page.press('Tab');
    expect(await focused('one.closest("#processes")')).toBeNull();
  });

  it('fits into 400 and 1400 pixels, light and dark', async () => {
    await open('busy-program', { AIOPIPE_INSPECTOR_KILL: '1' });
    await program().facts();
    program().order('die');
    await page.shows('#failures .why', 'SIGKILL');
    await page.shows('#channels', /\d\/s/);
    const looks = await page.looks('page');
    for (const { what, overflow, wide } of looks) expect({ overflow, wide }, what).toEqual({ overflow: 0, wide: 0 });
    expect(new Set(looks.map(({ background }) => background)).size).toBe(2);
  });
});
