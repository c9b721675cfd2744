import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/**
 * Compiles `native/<name>.c` with the machine's compiler. Resolves to the program's path, or to undefined where there
 * is no compiler; a compiler that is there and fails rejects.
 */
export async function compile(name: string): Promise<string | undefined> {
  const path = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
  await mkdir(path('build'), { recursive: true });
  const program = path(`build/${name}`);
  try {
    await promisify(execFile)(process.env['CC'] ?? 'cc', ['-O2', '-Wall', '-o', program, path(`native/${name}.c`)]);
    return program;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
