import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

const FOLDER = new URL('./page/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** A file of the page. */
export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
}

let files: ReadonlyMap<string, PageFile> | undefined;

/** Returns the file that the page has at a path; they are read when the first one is asked for. */
export function pageFile(path: string): PageFile | undefined {
  files ??= new Map(
    readdirSync(FOLDER).flatMap((name): [string, PageFile][] => {
      const type = TYPES[extname(name)];
      if (type === undefined) return [];
      return [[name === 'index.html' ? '/' : `/${name}`, { type, content: readFileSync(new URL(name, FOLDER)) }]];
    }),
  );
  return files.get(path);
}
