import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, type FormatOptions } from 'oxfmt';
import { chart } from './chart.js';
import { type RowResult } from './compare.js';
import { machineLine, type Machine } from './machine.js';
import { markdownTable } from './table.js';

/** All that a part has found. */
export interface Results {
  readonly machine: Machine;
  readonly title: string;
  /** That the whole part took. */
  readonly seconds: number;
  readonly notes: readonly string[];
  readonly rows: readonly RowResult[];
}

const tree = new URL('../../../', import.meta.url);

/** The major version of the Node that was asked for has a folder of its own. */
const pathOf = (part: string, node: number | undefined): string =>
  `bench/results/${node === undefined ? '' : `node-${String(node)}/`}${part}`;

/** `bench/results/<part>.json`, and its chart beside it; with a Node that was asked for, `bench/results/node-<major>/`. */
export async function saveResults(part: string, results: Results, node: number | undefined): Promise<void> {
  await save(`${pathOf(part, node)}.json`, JSON.stringify(results));
  await save(`${pathOf(part, node)}.svg`, await chart(results));
}

/** What the last whole run of a part has found, if there was one. */
export async function savedResults(part: string, node: number | undefined): Promise<Results | undefined> {
  try {
    return JSON.parse(await readFile(new URL(`${pathOf(part, node)}.json`, tree), 'utf8')) as Results;
  } catch {
    return undefined;
  }
}

/** How long the last runs of these parts took together, if all of them are known. */
export async function lastSeconds(parts: readonly string[], node: number | undefined): Promise<number | undefined> {
  const saved = await Promise.all(parts.map((part) => savedResults(part, node)));
  let sum = 0;
  for (const results of saved) {
    if (results === undefined) return undefined;
    sum += results.seconds;
  }
  return sum;
}

/** For those who read instead of running it: the chart and the table in `docs/charts`. */
export async function publishResults(part: string, results: Results): Promise<void> {
  const { title, machine, seconds, notes } = results;
  const lines = [
    `# ${title}`,
    `\`npm run bench -- ${part}\` took ${seconds.toFixed(0)} s on ${machine.date.slice(0, 10)}: ${machineLine(machine)}. [How to read it](../performance.md).`,
    `![The same as a chart](${part}.svg)`,
    markdownTable(results),
    ...notes.map((note) => `Note: ${note}.`),
  ];
  await save(`docs/charts/${part}.md`, lines.join('\n\n'));
  await save(`docs/charts/${part}.svg`, await chart(results));
}

/** Writes a file of the tree. */
export async function save(name: string, text: string): Promise<void> {
  const path = fileURLToPath(new URL(name, tree));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, name.endsWith('.svg') ? `${text}\n` : await formatted(name, text));
}

/** As everything else in the tree, so that a run leaves the format check alone. */
async function formatted(name: string, text: string): Promise<string> {
  const options = JSON.parse(await readFile(new URL('.oxfmtrc.json', tree), 'utf8')) as FormatOptions;
  const { code, errors } = await format(name, text, options);
  if (errors[0] !== undefined) throw new Error(`${name}: ${errors[0].message}`);
  return code;
}
