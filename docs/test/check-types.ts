import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { docs } from './pages.js';

/** A program in a document, or in a doc comment. */
export interface PlacedProgram {
  /** The file that it stands in. */
  readonly file: string;
  /** The number of its first line there. */
  readonly line: number;
  readonly code: string;
}

/** Names the file that a program is written to. */
export const nameOf = (file: string, line: number) => `${file.replace(/\W/g, '-')}-${String(line)}`;

/**
 * Checks the types of all programs in one run of the compiler. Returns its exit code, and what it printed: nothing if they are right.
 *
 * @param folder - tells them from those that are checked at the same time
 */
export function checkTypes(
  folder: string,
  programs: readonly PlacedProgram[],
): { status: number | null; stdout: string } {
  const checked = join(docs, '.fixtures', folder);
  mkdirSync(checked, { recursive: true });
  try {
    for (const { file, line, code } of programs) {
      // So that an error's line is that of the file.
      writeFileSync(join(checked, `${nameOf(file, line)}.ts`), `${'\n'.repeat(line - 1)}${code}`);
    }
    const config = {
      extends: '../../../tsconfig.base.json',
      compilerOptions: {
        customConditions: [],
        moduleDetection: 'force',
        noEmit: true,
        declaration: false,
        declarationMap: false,
        noUnusedLocals: false,
      },
      include: ['*.ts'],
    };
    writeFileSync(join(checked, 'tsconfig.json'), JSON.stringify(config));
    const tsc = createRequire(import.meta.url)
      .resolve('typescript-7/package.json')
      .replace('package.json', 'bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', checked], { encoding: 'utf8' });
    return { status, stdout };
  } finally {
    rmSync(checked, { recursive: true, force: true });
  }
}
