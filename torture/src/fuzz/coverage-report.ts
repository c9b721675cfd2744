import Table from 'cli-table3';
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type ScriptCoverage } from './coverage.js';

/** The files that read a peer's bytes. */
const DECODERS =
  /^packages\/(codec\/src\/(frame\/(format|frame-buffer|frame-decoder)|serializer\/(decode.*|builders|byte-reader|memory-cost|key-collisions|known-symbols|short-.*|object-fillers|instances)|moving\/.*|rpc\/.*)|process\/src\/(control\/(conversation|limits|portable-error)|pool\/(protocol|slot)))\.ts$/;

interface Merged {
  readonly functions: Map<string, readonly [name: string, start: number, end: number]>;
  ran: Buffer;
}

/** Joins the coverage of all episodes, and prints the code of the decoders that none has run. */
export class CoverageReport {
  readonly #scripts = new Map<string, Merged>();

  add({ url, functions, ran }: ScriptCoverage): void {
    const bytes = Buffer.from(ran, 'base64');
    const merged = this.#scripts.get(url) ?? { functions: new Map(), ran: Buffer.alloc(0) };
    this.#scripts.set(url, merged);
    for (const entry of functions) merged.functions.set(`${String(entry[1])}-${String(entry[2])}`, entry);
    const [longer, shorter] = merged.ran.length < bytes.length ? [bytes, merged.ran] : [merged.ran, bytes];
    for (let at = 0; at < shorter.length; at++) longer[at] = (longer[at] as number) | (shorter[at] as number);
    merged.ran = longer;
  }

  /** Undefined if no episode has looked. */
  table(): string | undefined {
    if (this.#scripts.size === 0) return undefined;
    const sources = new Map<string, Source>();
    for (const [url, merged] of this.#scripts) sort(url, merged, sources);
    const table = new Table({
      head: ['decoders', 'functions', 'code', 'lines that did not run'],
      style: process.stdout.isTTY ? { head: [] } : { head: [], border: [] },
    });
    for (const [name, source] of [...sources].sort()) table.push([name, ...source.cells]);
    return table.toString();
  }
}

class Source {
  functions = 0;
  functionsRun = 0;
  code = 0;
  codeRun = 0;
  readonly #lines = new Set<number>();

  missed(line: number): void {
    this.#lines.add(line);
  }

  get cells(): string[] {
    const lines = [...this.#lines].sort((a, b) => a - b);
    const shown = lines.slice(0, 12).join(' ');
    return [
      `${String(this.functionsRun)} of ${String(this.functions)}`,
      `${((100 * this.codeRun) / this.code).toFixed(1)} %`,
      lines.length > 12 ? `${shown} … (${String(lines.length)})` : shown,
    ];
  }
}

/** Counts each function of the script, and each character of its code, at the source that it comes from. */
function sort(url: string, { functions, ran }: Merged, sources: Map<string, Source>): void {
  const path = fileURLToPath(url);
  const text = readFileSync(path, 'utf8');
  const map = new SourceMap(
    JSON.parse(readFileSync(`${path}.map`, 'utf8')) as ConstructorParameters<typeof SourceMap>[0],
  );
  const sourceAt = (line: number, column: number): { name: string; line: number } | undefined => {
    const entry = map.findEntry(line, column);
    if (!('originalSource' in entry)) return undefined;
    const name = new URL(entry.originalSource, url).pathname.replace(/^.*(?=packages\/)/, '');
    return DECODERS.test(name) ? { name, line: entry.originalLine + 1 } : undefined;
  };
  const of = (name: string) => {
    const source = sources.get(name) ?? new Source();
    sources.set(name, source);
    return source;
  };
  const within = new Uint8Array(text.length);
  for (const [, start, end] of functions.values()) within.fill(1, start, end);
  // They have run before the episode could look.
  for (const [name, start, end] of functions.values()) if (name === '<static_initializer>') within.fill(0, start, end);
  const starts = new Map([...functions.values()].map(([, start]) => [start, true]));
  let line = 0;
  let column = 0;
  let place = sourceAt(0, 0);
  for (let at = 0; at < text.length; at++, column++) {
    if (text[at] === '\n') {
      line++;
      column = -1;
      continue;
    }
    if (/\s/.test(text[at] as string)) continue;
    if (column % 8 === 0 || starts.has(at)) place = sourceAt(line, column);
    if (place === undefined || within[at] === 0) continue;
    const source = of(place.name);
    source.code++;
    if (ran[at] === 1) source.codeRun++;
    else source.missed(place.line);
    if (!starts.has(at)) continue;
    source.functions++;
    if (ran[at] === 1) source.functionsRun++;
  }
}
