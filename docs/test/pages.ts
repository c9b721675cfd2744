import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join, relative } from 'node:path';
import { readmeExamples } from '@aiopipe/testing';

export const docs = fileURLToPath(new URL('..', import.meta.url));

const isWritten = (path: string) => path.endsWith('.md') && !/^(node_modules|reference|dist|charts|\.)/.test(path);

/** The paths in `docs/` of the pages that a person wrote. */
export const pages = readdirSync(docs, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(docs, join(entry.parentPath, entry.name)))
  .filter(isWritten)
  .sort();

/** The programs of these pages. */
export const programs = pages.flatMap((page) =>
  readmeExamples(join(docs, page)).map((program) => ({ page, ...program })),
);
