import { realpathSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { serve, type ServerSettings } from './server/server.js';

const OWN_NAME = '@aiopipe/inspector';

/** Node splits NODE_OPTIONS at blanks that are not in double quotes; a backslash within these holds the next character. */
const OPTION_WORD = /(?:[^ "]|"(?:\\.|[^"\\])*"?)+/g;

/**
 * Serves the page if this module was named by `--import`: as an option of Node, or in NODE_OPTIONS. The option is taken out of
 * both, so that children do not inherit it: a program has one page, and its children start as fast as without it.
 */
function serveIfPreloaded(): void {
  if (!isMainThread) return;
  const { execArgv, env } = process;
  const kept = withoutOwnImport(execArgv);
  const options = env['NODE_OPTIONS']?.match(OPTION_WORD) ?? [];
  const keptOptions = withoutOwnImport(options, unquoted);
  if (kept.length === execArgv.length && keptOptions.length === options.length) return;
  const settings = readSettings(env);
  execArgv.splice(0, execArgv.length, ...kept);
  if (keptOptions.length < options.length) env['NODE_OPTIONS'] = keptOptions.join(' ');
  const tell = (line: string) => process.stderr.write(`aiopipe inspector: ${line}\n`);
  serve(settings).then(
    ({ url }) => tell(url),
    (error: Error) => tell(`no page: ${error.message}`),
  );
}

/** @param read - returns a word as Node reads it */
function withoutOwnImport(words: readonly string[], read = (word: string) => word): string[] {
  const kept: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as string;
    const next = words[index + 1];
    const text = read(word);
    if (text === '--import' && next !== undefined && isOwn(read(next))) index++;
    else if (!(text.startsWith('--import=') && isOwn(text.slice('--import='.length)))) kept.push(word);
  }
  return kept;
}

function unquoted(word: string): string {
  return word.replaceAll('"', '');
}

/** Whether `--import` finds this module by that name. */
function isOwn(specifier: string): boolean {
  if (specifier === OWN_NAME) return true;
  if (!/^(\.{0,2}\/|file:)/.test(specifier)) return false;
  const path = fileURLToPath(new URL(specifier, pathToFileURL(`${process.cwd()}/`)));
  try {
    // Node follows links before it gives a module its URL.
    return realpathSync(path) === fileURLToPath(import.meta.url);
  } catch {
    return false;
  }
}

/** Throws a TypeError for a value that has no meaning. */
function readSettings(env: NodeJS.ProcessEnv): ServerSettings {
  const { AIOPIPE_INSPECTOR_PORT: port = '0', AIOPIPE_INSPECTOR_KILL: canKill = '0' } = env;
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new TypeError(`AIOPIPE_INSPECTOR_PORT: expected a port from 0 to 65535, not ${JSON.stringify(port)}`);
  }
  if (canKill !== '0' && canKill !== '1') {
    throw new TypeError(`AIOPIPE_INSPECTOR_KILL: expected 0 or 1, not ${JSON.stringify(canKill)}`);
  }
  return { port: Number(port), canKill: canKill === '1', status: () => '' };
}

serveIfPreloaded();
