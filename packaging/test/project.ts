import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';

const require = createRequire(import.meta.url);

export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** A new project outside of this repository, with nothing in it. */
export class Project {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'aiopipe-project-')));
  readonly #tarballs = inject('tarballs');

  /** Resolves with how the program ended, and with all that it printed. */
  run(file: string, words: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ended> {
    return new Promise((resolve) => {
      execFile(file, words, { cwd: this.directory, env }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), output: `${stdout}${stderr}` });
      });
    });
  }

  node(...words: string[]): Promise<Ended> {
    return this.run(process.execPath, words);
  }

  /** Runs the program of a package that this workspace has, by the path within the package. */
  tool(name: string, path: string, ...words: string[]): Promise<Ended> {
    return this.node(join(packageOf(name), path), ...words);
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.directory, name), text);
  }

  /** Installs one package, by npm. Where it asks for others, npm finds the tarballs, and takes those that are asked for. */
  async install(name: string, words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const files = Object.fromEntries(Object.entries(this.#tarballs).map(([key, path]) => [key, `file:${path}`]));
    this.write({
      'package.json': JSON.stringify({ private: true, dependencies: { [name]: files[name] }, overrides: files }),
    });
    const settings = ['--offline', '--no-audit', '--no-fund', '--loglevel=error'];
    return this.run('npm', ['install', ...settings, ...words], { ...process.env, ...env });
  }

  /** The types of Node, which users install themselves. */
  addNodeTypes(): void {
    const types = packageOf('@types/node');
    cpSync(types, join(this.directory, 'node_modules/@types/node'), { recursive: true, dereference: true });
    const undici = dirname(createRequire(join(types, 'package.json')).resolve('undici-types/package.json'));
    cpSync(undici, join(this.directory, 'node_modules/undici-types'), { recursive: true, dereference: true });
  }

  /** The names of the packages that are installed. */
  installed(): string[] {
    const modules = join(this.directory, 'node_modules');
    const names = (folder: string) => readdirSync(folder).filter((name) => !name.startsWith('.'));
    return names(modules).flatMap((name) =>
      name.startsWith('@') ? names(join(modules, name)).map((inner) => `${name}/${inner}`) : [name],
    );
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function packageOf(name: string): string {
  return dirname(require.resolve(`${name}/package.json`));
}
