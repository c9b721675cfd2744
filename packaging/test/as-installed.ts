import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { bundlers } from './bundlers.js';
import { Project } from './project.js';

export interface Installed {
  /** The package. */
  readonly name: string;
  /** All that npm brings along. */
  readonly brings: readonly string[];
  /** Bytes that its files may take, unpacked, without those of prebuilt bindings. */
  readonly budget: number;
  /** A program that uses it, as an ES module. It prints `works`. The compiler checks it, too. */
  readonly main: string;
  /** The same in CommonJS. */
  readonly commonJs: string;
}

/** Bytes of one prebuilt binding. */
const BINDING_BUDGET = 250_000;

const compilers = { 'TypeScript 5.9': 'typescript', 'TypeScript 7': 'typescript-7' };

/** How TypeScript may look for modules, and the files that it then accepts. Only Node.js 20.19+ loads ES modules by `require()`. */
const resolutions = {
  node16: ['main.mts'],
  nodenext: ['main.mts', 'main.cts'],
  bundler: ['main.mts'],
};

const PRETENDS = `Object.defineProperty(process, 'platform', { value: 'win32' });\n`;

const WORKS = { code: 0, output: 'works\n' };

/** What must hold for each package when npm installs it into an empty project. */
export function asInstalled({ name, brings, budget, main, commonJs }: Installed): void {
  describe(name, () => {
    const project = new Project();
    let installation: unknown;

    beforeAll(async () => {
      installation = await project.install(name, ['--ignore-scripts']);
      project.write({ 'main.mjs': main, 'main.cjs': commonJs });
    });
    afterAll(() => {
      project.remove();
    });

    test('brings the layers under it along, and nothing else', () => {
      expect(installation).toMatchObject({ code: 0 });
      expect(project.installed().sort()).toEqual([...brings, name].sort());
    });

    test('works without install scripts, as an ES module and by require()', async () => {
      expect(await project.node('main.mjs')).toEqual(WORKS);
      expect(await project.node('--no-warnings', 'main.cjs')).toEqual(WORKS);
    });

    test('can be imported on Windows', async () => {
      project.write({ 'windows.mjs': `${PRETENDS}await import('${name}');\nconsole.log('works');\n` });
      expect(await project.node('windows.mjs')).toEqual(WORKS);
    });

    test.each(Object.keys(bundlers))('works in a program that %s has bundled as the README says', async (bundler) => {
      project.write({ 'source.mjs': main });
      await bundlers[bundler]?.(project.directory);
      // A bundle may run where its sources are not.
      rmSync(join(project.directory, 'source.mjs'));
      try {
        expect(readFileSync(join(project.directory, 'bundle.mjs'), 'utf8')).toContain(name);
        expect(await project.node('bundle.mjs')).toEqual(WORKS);
      } finally {
        rmSync(join(project.directory, 'bundle.mjs'), { force: true });
      }
    });

    describe('has types', () => {
      beforeAll(() => {
        project.addNodeTypes();
        project.write({ 'main.mts': main, 'main.cts': typed(commonJs) });
      });

      test.each(
        Object.entries(compilers).flatMap(([compiler, packageName]) =>
          Object.entries(resolutions).map(([resolution, files]) => ({ compiler, packageName, resolution, files })),
        ),
      )('for $compiler under $resolution', async ({ packageName, resolution, files }) => {
        const settings = {
          module: resolution === 'bundler' ? 'esnext' : resolution,
          moduleResolution: resolution,
          target: 'es2022',
          lib: ['es2023', 'esnext.disposable'],
          types: ['node'],
          strict: true,
          // The declarations themselves must be right, too. The older compiler takes long, and checks them once.
          skipLibCheck: packageName === 'typescript' && resolution !== 'nodenext',
          noEmit: true,
        };
        const config = `tsconfig.${packageName}.${resolution}.json`;
        project.write({ [config]: JSON.stringify({ compilerOptions: settings, files }) });
        expect(await project.tool(packageName, 'bin/tsc', '-p', config)).toEqual({ code: 0, output: '' });
      });
    });

    test('is clean by publint', async () => {
      const tarball = readFileSync(tarballOf(name));
      const data = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength);
      const { messages } = await publint({ pack: { tarball: data }, strict: true });
      expect(messages).toEqual([]);
    });

    test('is clean by Are the types wrong', async () => {
      // esm-only: what it says of Node 10, and of require() before Node.js 20.19, is about Nodes that are not supported.
      // internal: it promises nothing to users, and has no types for them.
      const ignored = ['--profile', 'esm-only', '--exclude-entrypoints', 'internal'];
      const words = [tarballOf(name), ...ignored, '--no-emoji', '--no-color'];
      const { code, output } = await project.tool('@arethetypeswrong/cli', 'dist/index.js', ...words);
      expect(code, output).toBe(0);
    });

    test('is not larger than its budget', () => {
      const folder = join(project.directory, 'node_modules', name);
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .map((path) => ({ path, stat: statSync(join(folder, path)) }))
        .filter(({ stat }) => stat.isFile())
        .map(({ path, stat }) => ({ path, bytes: stat.size }));
      const bindings = files.filter(({ path }) => path.endsWith('.node'));
      for (const { bytes, path } of bindings) expect(bytes, path).toBeLessThan(BINDING_BUDGET);
      const rest = files.filter((file) => !bindings.includes(file)).reduce((sum, { bytes }) => sum + bytes, 0);
      expect(rest).toBeLessThan(budget);
    });
  });
}

/** `npm_config_build_from_source=true`: npm compiles the binding, although there is one that fits. */
export function builtFromSource(): void {
  test('npm_config_build_from_source compiles the binding, and it is the one that is used', async () => {
    const project = new Project();
    try {
      const env = { npm_config_build_from_source: 'true' };
      expect(await project.install('@aiopipe/core', ['--foreground-scripts'], env)).toMatchObject({ code: 0 });
      const core = join(project.directory, 'node_modules/@aiopipe/core/native');
      expect(existsSync(join(core, 'build/Release/aiopipe.node'))).toBe(true);
      rmSync(join(core, 'prebuilds'), { recursive: true });
      writeFileSync(join(project.directory, 'main.mjs'), `import { aiopipe } from '@aiopipe/core';\n${CLOSES}`);
      expect(await project.node('main.mjs')).toEqual(WORKS);
    } finally {
      project.remove();
    }
  });
}

const CLOSES = `for (const end of aiopipe()) end.close();\nconsole.log('works');\n`;

/** `const x = require('y')` as TypeScript has it. */
function typed(commonJs: string): string {
  return commonJs.replaceAll(/const (\{[^}]*\}) = require\('([^']*)'\);/g, (_, names: string, module: string) => {
    const alias = module.replaceAll(/\W/g, '_');
    return `import ${alias} = require('${module}');\nconst ${names} = ${alias};`;
  });
}

function tarballOf(name: string): string {
  const path = inject('tarballs')[name];
  if (path === undefined) throw new Error(`there is no tarball of ${name}`);
  return path;
}
