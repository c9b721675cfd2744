// What npm shows of each package, and sends to its users.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string) => readFileSync(`${root}${path}`, 'utf8');

interface Manifest {
  readonly private?: boolean;
  readonly version: string;
  readonly exports: Readonly<Record<string, string | Entry>>;
}

interface Entry {
  /** The declarations of users. This workspace is compiled against the sources where they differ. */
  readonly types: string | { readonly 'aiopipe-workspace': string; readonly default: string | null };
  readonly default: string;
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
    // Those with process.getBuiltinModule(), which the build uses.
    engines: { node: '^20.19 || >=22.3' },
    // What does something when it is imported must stay in a bundle.
    sideEffects: name === 'opentelemetry' ? ['./dist/register.js'] : name === 'inspector',
    files: expect.arrayContaining(['dist']) as string[],
  });
  expect(read(`packages/${name}/LICENSE`)).toBe(read('LICENSE'));
});

test.each(packages)('%s has a file and types behind each of its entries', (name) => {
  for (const target of Object.values(manifestOf(name).exports)) {
    if (typeof target === 'string') continue;
    // The types come first: TypeScript takes the first condition that fits.
    expect(Object.keys(target)).toEqual(['types', 'default']);
    const types = typeof target.types === 'string' ? target.types : target.types.default;
    // `/internal` has no types for users.
    for (const path of [types, target.default])
      if (path !== null) expect(read(`packages/${name}/${path}`)).not.toBe('');
  }
});

test.each(packages)(
  'the source maps of %s name what is in the package, and no path of the machine that built it',
  (name) => {
    const dist = `packages/${name}/dist`;
    for (const file of readdirSync(`${root}${dist}`).filter((file) => file.endsWith('.map'))) {
      const { sources } = JSON.parse(read(`${dist}/${file}`)) as { sources: string[] };
      const strangers = sources.filter(
        (source) => !/^\.\.\/src\/([\w-]+\/)*[\w-]+\.ts$|^builtin:node:|^index:\.\/src\/index\.ts$/.test(source),
      );
      expect(strangers, file).toEqual([]);
      for (const source of sources) if (source.startsWith('../')) expect(read(`${dist}/${source}`)).not.toBe('');
      if (file.endsWith('.js.map')) expect(read(`${dist}/${file.slice(0, -4)}`)).not.toContain(root);
    }
  },
);

test.each(packages)('the README of %s links to nothing that its users do not have', (name) => {
  const links = [...read(`packages/${name}/README.md`).matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link);
  expect(links.filter((link) => !/^(https?:|#)/.test(link))).toEqual([]);
});
