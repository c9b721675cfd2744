import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { compileTypeScript, fixture } from './fixtures.js';

/** A program in a document. */
export interface ReadmeExample {
  /** The number of its first line in the document. */
  readonly line: number;
  readonly code: string;
  /** The output of the code, if a block of text follows it at once. */
  readonly output: string | undefined;
  /** Why it is not run: `<!-- types only: it needs a server -->` in the line before it says so. */
  readonly notRun: string | undefined;
}

/** Every block of TypeScript in a Markdown document. Each is a whole program. */
export function readmeExamples(path: string): ReadmeExample[] {
  return examplesIn(readFileSync(path, 'utf8'));
}

/** As {@link readmeExamples}, of a document's text. */
export function examplesIn(document: string): ReadmeExample[] {
  const blocks = /^(?:<!-- types only: ([^\n]*) -->\n\n?)?^```ts\n(.*?)^```\n(?:\s*```text\n(.*?)^```$)?/gms;
  return [...document.matchAll(blocks)].map((match) => ({
    line: document.slice(0, match.index + match[0].indexOf('```ts\n')).split('\n').length + 1,
    code: match[2] ?? '',
    output: match[3],
    notRun: match[1],
  }));
}

/**
 * Runs an example where fixtures are, so that it finds the packages that it imports. Rejects if it fails.
 *
 * @param document - tells its program from those of other documents, which are tested at the same time
 */
export async function runExample(
  { line, code }: ReadmeExample,
  document = 'readme',
): Promise<{ stdout: string; stderr: string }> {
  const program = fixture(`${document}-${String(line)}`);
  mkdirSync(dirname(program), { recursive: true });
  writeFileSync(program, await compileTypeScript(code));
  try {
    return await promisify(execFile)(process.execPath, [program]);
  } finally {
    rmSync(program);
  }
}
