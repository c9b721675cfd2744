// What npm shows of each package, and sends to its users.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string) => readFileSync(`${root}${path}`, 'utf8');

interface Manifest {
  readonly private?: boolean;
  readonly version: string;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

const manifestOf = (name: string) => JSON.parse(read(`packages/${name}/package.json`)) as Manifest;
const packages = readdirSync(`${root}packages`).filter((name) => manifestOf(name).private !== true);

test.each(packages)('%s says what it is, for whom, and under which license', (name) => {
  expect(manifestOf(name)).toMatchObject({
    name: `@aiopipe/${name}`,
    description: expect.stringMatching(/\w.*\.$/) as string,
    keywords: expect.arrayContaining([expect.any(String)]) as string[],
    license: 'MIT',
    type: 'module',
    engines: { node: '>=20.19' },
    sideEffects: false,
    files: expect.arrayContaining(['dist']) as string[],
  });
  expect(read(`packages/${name}/LICENSE`)).toBe(read('LICENSE'));
});

test.each(packages)('%s has a file and types behind each of its entries', (name) => {
  for (const target of Object.values(manifestOf(name).exports)) {
    if (target === './package.json') continue;
    // The types come first: TypeScript takes the first condition that fits.
    expect(Object.keys(target)).toEqual(['types', 'default']);
    for (const path of Object.values(target)) expect(read(`packages/${name}/${path}`)).not.toBe('');
  }
});

test.each(packages)('the README of %s links to nothing that its users do not have', (name) => {
  const links = [...read(`packages/${name}/README.md`).matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link);
  expect(links.filter((link) => !/^(https?:|#)/.test(link))).toEqual([]);
});
