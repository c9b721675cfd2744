import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Builds what is older than its sources, of a package and of the packages that it depends on: tests run against what was
 * built, and would test yesterday's code otherwise. Turbo builds before it tests, so nothing is looked at then. Throws if
 * the build fails.
 */
export function buildIfOlder(packageDir: string): void {
  if (process.env['TURBO_HASH'] !== undefined) return;
  const root = rootAbove(packageDir);
  if (!family(packageDir, root).some(isOlder)) return;
  const { name } = manifest(packageDir);
  process.stderr.write('building what changed …\n');
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/run.mjs'), 'build', `--filter=${name}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error('the build failed, so nothing was tested: npm run build shows why');
}

function rootAbove(folder: string): string {
  return existsSync(join(folder, 'pnpm-workspace.yaml')) ? folder : rootAbove(dirname(folder));
}

interface Manifest {
  readonly name: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

function manifest(packageDir: string): Manifest {
  return JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')) as Manifest;
}

/** The package, and those of the workspace under it. */
function family(packageDir: string, root: string, found = new Set<string>()): string[] {
  found.add(packageDir);
  const { dependencies, devDependencies } = manifest(packageDir);
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    const other = join(root, 'packages', name.replace('@aiopipe/', ''));
    if (name.startsWith('@aiopipe/') && !found.has(other)) family(other, root, found);
  }
  return [...found];
}

function isOlder(packageDir: string): boolean {
  const sources = ['src', 'native', 'page'].map((folder) =>
    newest(join(packageDir, folder), /\.(ts|c|h|gyp|js|css|html)$/),
  );
  return newest(join(packageDir, 'dist'), /./) < Math.max(...sources);
}

/** Milliseconds since 1970 of the file that was changed last; 0 if there is none. */
function newest(folder: string, pattern: RegExp): number {
  if (!existsSync(folder)) return 0;
  const times = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => pattern.test(path))
    .map((path) => statSync(join(folder, path)).mtimeMs);
  return Math.max(0, ...times);
}
