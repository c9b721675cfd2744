// The site as a reader has it, in a headless Chromium, if `npm run docs` has built it. AIOPIPE_SCREENSHOTS names a folder for pictures of it.
import { type Server } from 'node:http';
import { readFileSync } from 'node:fs';
import { Browser, chromium, leakCheck, until, type Page } from '@aiopipe/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { packages, pages as sidebar } from '../.vitepress/pages.js';
import { pages } from './pages.js';
import { fileOf, serveSite } from './site.js';

const SLOW = 120_000;
const pathOf = (page: string) => `/${page.replace(/(index)?\.md$/, '')}`;
const reference = packages.map((name) => `/reference/@aiopipe/${name}`);
const paths = [...pages.map(pathOf), '/reference/', ...reference];

test('the sidebar has every page', () => {
  const links = sidebar.flatMap(({ items }) => items.map(({ link }) => link));
  expect(paths.filter((path) => path !== '/' && path !== '/reference/' && !path.startsWith('/charts/')).sort()).toEqual(
    links.sort(),
  );
});

const isBuilt = fileOf('/') !== undefined;

test.skipIf(!isBuilt).each(['llms.txt', 'llms-full.txt'])('%s is there, and knows the pages', (name) => {
  const text = readFileSync(fileOf(name) as string, 'utf8');
  expect(text).toContain('aiopipe');
  expect(text).toContain('Observability');
});

interface Links {
  readonly links: readonly string[];
  readonly ids: readonly string[];
  readonly outside: readonly string[];
}

const LINKS = `({
  links: [...document.querySelectorAll('a[href]')].map(({ href }) => href).filter((href) => href.startsWith(location.origin)),
  ids: [...document.querySelectorAll('[id]')].map(({ id }) => id),
  outside: performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => !name.startsWith(location.origin)),
})`;

describe.skipIf(chromium === undefined || !isBuilt)('the site', { timeout: SLOW }, () => {
  const check = leakCheck();
  let browser: Browser;
  let server: Server;
  let url: string;
  let page: Page | undefined;

  beforeAll(async () => {
    ({ url, server } = await serveSite());
    browser = new Browser();
  }, SLOW);

  afterEach(async () => {
    const errors = page?.errors ?? [];
    await page?.send('Page.close');
    page = undefined;
    expect(errors).toEqual([]);
  });

  afterAll(async () => {
    await browser.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await check();
  }, SLOW);

  const open = async (path: string): Promise<Page> => {
    page = await browser.open(url + path);
    const opened = page;
    await until('it is whole', () => opened.evaluate('document.readyState === "complete"'));
    await page.shows('h1', /\S/);
    return page;
  };

  const found = new Map<string, Links>();

  it.each(paths)('%s shows no error, asks no other host, and fits a phone', async (path) => {
    const opened = await open(path);
    const links = await opened.evaluate<Links>(LINKS);
    expect(links.outside).toEqual([]);
    found.set(path, links);
    const size = { width: 400, height: 900, deviceScaleFactor: 1, mobile: true };
    await opened.send('Emulation.setDeviceMetricsOverride', size);
    await until('it is laid out', () => opened.evaluate('innerWidth === 400'));
    expect(await opened.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400);
  });

  it('has no link that leads nowhere, to no anchor either', () => {
    expect([...found.keys()].sort()).toEqual([...paths].sort());
    const wrong: string[] = [];
    for (const [path, { links }] of found)
      for (const link of new Set(links)) {
        const { pathname, hash } = new URL(link);
        const target = found.get(pathname);
        const anchor = decodeURIComponent(hash.slice(1));
        if (target === undefined ? fileOf(pathname) === undefined : anchor !== '' && !target.ids.includes(anchor))
          wrong.push(`${path}: ${pathname}${hash}`);
      }
    expect(wrong).toEqual([]);
  });

  it('finds a word by the keyboard, without a network', async () => {
    const opened = await open('/');
    await until('the search is there', () =>
      opened.evaluate('document.querySelector(".VPNavBarSearch button") !== null'),
    );
    await opened.evaluate('document.querySelector(".VPNavBarSearch button").click()');
    await until('its field is there', () => opened.evaluate('document.activeElement?.id === "localsearch-input"'));
    await opened.send('Input.insertText', { text: 'backpressure' });
    await opened.shows('.VPLocalSearchBox .results', /ChannelWriter/);
    await opened.press('Enter');
    await until('a page was opened', () => opened.evaluate('location.pathname !== "/"'));
  });

  it('is light and dark, as the reader has it', async () => {
    const looks = await (await open('/observability')).looks('site-observability');
    expect(new Set(looks.map(({ background }) => background)).size).toBe(2);
  });
});
