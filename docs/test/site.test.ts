// The site as a reader has it, in a headless Chromium, if `npm run docs` has built it. AIOPIPE_SCREENSHOTS names a folder for pictures of it.
import { type Server } from 'node:http';
import { readFileSync, statSync } from 'node:fs';
import { Browser, chromium, leakCheck, until, type Page } from '@aiopipe/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { packages, pages as sidebar } from '../.vitepress/pages.js';
import { pages } from './pages.js';
import { publicNames } from './public-names.js';
import { fileOf, referencePages, serveSite } from './site.js';

const SLOW = 120_000;
const SITE = 'http://site.test';
const pathOf = (page: string) => `/${page.replace(/(index)?\.md$/, '')}`;
const written = pages.map(pathOf);
const isBuilt = fileOf('/') !== undefined;
const reference = isBuilt ? referencePages().map(pathOf) : [];
const paths = [...written, ...reference];

test('the sidebar has every page, and every package of the reference', () => {
  const links = sidebar.flatMap(({ items }) => items.map(({ link }) => link));
  const expected = written.filter((path) => path !== '/' && !path.startsWith('/charts/'));
  expect(links.sort()).toEqual([...expected, ...packages.map((name) => `/reference/@aiopipe/${name}/`)].sort());
});

test.skipIf(!isBuilt)('the reference has a page for each package and each public name', () => {
  const expected = publicNames().map(({ packageName, name }) => `${packageName} ${name}`);
  const shown = reference.map((path) => /^\/reference\/@aiopipe\/([a-z]+)\/[a-z-]+\/(.+)$/.exec(path));
  expect(shown.flatMap((match) => (match === null ? [] : [`${match[1] ?? ''} ${match[2] ?? ''}`])).sort()).toEqual(
    expected.sort(),
  );
  expect(reference).toEqual(expect.arrayContaining(packages.map((name) => `/reference/@aiopipe/${name}/`)));
});

test.skipIf(!isBuilt).each(['llms.txt', 'llms-full.txt'])('%s is there, and knows the pages', (name) => {
  const text = readFileSync(fileOf(name) as string, 'utf8');
  expect(text).toContain('aiopipe');
  expect(text).toContain('Observability');
});

const OUTSIDE = `performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => !name.startsWith(location.origin))`;

const lengthOf = (path: string) => statSync(fileOf(path) as string).size;

/** The values of an attribute in the HTML of a page. */
function valuesOf(path: string, attribute: string): string[] {
  const html = readFileSync(fileOf(path) as string, 'utf8');
  const values = [...html.matchAll(new RegExp(`\\s${attribute}="([^"]*)"`, 'g'))].map(([, value = '']) => value);
  return values.map((value) => value.replaceAll('&amp;', '&'));
}

test.skipIf(!isBuilt)('no link leads nowhere, to no anchor either', () => {
  const ids = new Map(paths.map((path) => [path, new Set(valuesOf(path, 'id'))]));
  const wrong: string[] = [];
  for (const path of paths)
    for (const link of new Set(valuesOf(path, 'href'))) {
      const { origin, pathname, hash } = new URL(link, `${SITE}${path}`);
      if (origin !== SITE) continue;
      const anchor = decodeURIComponent(hash.slice(1));
      const known = ids.get(decodeURIComponent(pathname));
      if (known === undefined ? fileOf(pathname) === undefined : anchor !== '' && !known.has(anchor))
        wrong.push(`${path}: ${pathname}${hash}`);
    }
  expect(wrong).toEqual([]);
});

/** The longest page of each folder of the reference, by its path: what a folder has is made by one template. */
const longest = new Map<string, string>();
for (const path of reference) {
  const folder = path.slice(0, path.lastIndexOf('/'));
  const other = longest.get(folder);
  if (other === undefined || lengthOf(path) > lengthOf(other)) longest.set(folder, path);
}

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

  it.each([...written, ...longest.values()])(
    '%s shows no error, asks no other host, and fits a phone',
    async (path) => {
      const opened = await open(path);
      expect(await opened.evaluate(OUTSIDE)).toEqual([]);
      const size = { width: 400, height: 900, deviceScaleFactor: 1, mobile: true };
      await opened.send('Emulation.setDeviceMetricsOverride', size);
      await until('it is laid out', () => opened.evaluate('innerWidth === 400'));
      expect(await opened.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400);
    },
  );

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

  it.each([
    ['/guarantees', 'programs-chains-terminals'],
    ['/pools', 'cancelling'],
    ['/platforms', 'can-a-port-be-tested-without-windows'],
  ])('leads from the outline of %s to the heading, though what stands above it was not laid out', async (page, id) => {
    const opened = await open(page);
    await opened.send('Emulation.setDeviceMetricsOverride', {
      width: 1400,
      height: 900,
      deviceScaleFactor: 1,
      mobile: false,
    });
    const link = `document.querySelector('a.outline-link[href="#${id}"]')`;
    await until('the outline is there', () => opened.evaluate(`${link} !== null`));
    await opened.evaluate(`${link}.click()`);
    // What is above it is laid out in the frames after the scrolling.
    const top = await opened.evaluate<number>(`new Promise((resolve) => {
      const top = () => Math.round(document.getElementById('${id}').getBoundingClientRect().top);
      let [last, frames] = [top(), 0];
      const look = () => {
        frames = top() === last ? frames + 1 : 0;
        last = top();
        if (frames === 30) resolve(last);
        else requestAnimationFrame(look);
      };
      look();
    })`);
    expect(top).toBeGreaterThan(60);
    expect(top).toBeLessThan(160);
  });

  it('is light and dark, as the reader has it', async () => {
    const looks = await (await open('/observability')).looks('site-observability');
    expect(new Set(looks.map(({ background }) => background)).size).toBe(2);
  });
});
