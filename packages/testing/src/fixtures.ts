import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build, transform } from 'esbuild';

const sources = (packageDir: string) => join(packageDir, 'test', 'fixtures');
const built = (packageDir: string) => join(packageDir, '.fixtures');

/** The path of a fixture as a program that Node can run: `fixture('echo-lines')`. */
export function fixture(name: string, packageDir = process.cwd()): string {
  return join(built(packageDir), `${name}.js`);
}

/**
 * The words that run a fixture on this runtime, for what starts programs by their words: popen(), a shell, script(1). Deno's
 * `node:child_process` adds the missing words of Deno by itself.
 */
export function fixtureArgv(name: string): string[] {
  // Without them, the program may do nothing.
  const rights = process.versions['deno'] === undefined ? [] : ['run', '--allow-all'];
  return [process.execPath, ...rights, fixture(name)];
}

/**
 * Compiles `test/fixtures/*.ts` to where {@link fixture} says: the lowest supported Node cannot load TypeScript. A
 * fixture that no test names fails the run, so that none outlives its test.
 */
export async function compileFixtures(packageDir: string): Promise<void> {
  const names = (await readdir(sources(packageDir)).catch(() => [])).filter((name) => name.endsWith('.ts'));
  if (names.length === 0) {
    await rm(built(packageDir), { recursive: true, force: true });
    return;
  }

  const tests = await testTexts(packageDir);
  for (const name of names.map((file) => basename(file, '.ts'))) {
    const users = tests.filter(({ path, text }) => basename(path, '.ts') !== name && text.includes(name));
    if (users.length === 0) throw new Error(`test/fixtures/${name}.ts: no test uses this fixture`);
  }
  await mkdir(built(packageDir), { recursive: true });
  await build({
    entryPoints: names.map((name) => join(sources(packageDir), name)),
    outdir: built(packageDir),
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
  });
  // Only what has no source any more: another run of the same package's tests may be using the others.
  const expected = new Set(names.map((name) => `${basename(name, '.ts')}.js`));
  for (const name of await readdir(built(packageDir))) {
    if (!expected.has(name)) await rm(join(built(packageDir), name), { force: true });
  }
}

async function testTexts(packageDir: string): Promise<{ path: string; text: string }[]> {
  const paths = (await readdir(join(packageDir, 'test'), { recursive: true })).filter((name) => name.endsWith('.ts'));
  return Promise.all(
    paths.map(async (path) => ({ path, text: await readFile(join(packageDir, 'test', path), 'utf8') })),
  );
}

/** TypeScript as JavaScript for the lowest supported Node: for programs that are no fixtures, as those in documents. */
export async function compileTypeScript(source: string): Promise<string> {
  return (await transform(source, { loader: 'ts', format: 'esm', target: 'node20' })).code;
}
