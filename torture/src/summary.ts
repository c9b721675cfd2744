import Table from 'cli-table3';
import { type Outcome } from './run-episode.js';

/** The sums of all episodes of a kind. */
class Row {
  episodes = 0;
  stall = 0;
  descriptors = 0;
  processes = 0;
  failures = 0;
  readonly faults = new Map<string, number>();
  readonly counts = new Map<string, number>();

  add({ end, faults, counts, wrong }: Outcome): void {
    this.episodes++;
    this.stall = Math.max(this.stall, end?.stall ?? 0);
    this.descriptors += end?.descriptors ?? 0;
    this.processes += end?.processes ?? 0;
    if (wrong.length > 0) this.failures++;
    addAll(this.faults, faults);
    addAll(this.counts, counts);
  }

  cells(name: string): string[] {
    return [
      name,
      String(this.episodes),
      list(this.faults),
      list(this.counts),
      String(this.descriptors),
      String(this.processes),
      `${(this.stall / 1000).toFixed(1)} s`,
      String(this.failures),
    ];
  }
}

/** The results of a run, by kinds of episodes. */
export class Summary {
  readonly #rows = new Map<string, Row>();
  readonly #all = new Row();

  add(name: string, outcome: Outcome): void {
    const row = this.#rows.get(name) ?? new Row();
    this.#rows.set(name, row);
    row.add(outcome);
    this.#all.add(outcome);
  }

  table(): string {
    const table = new Table({
      head: ['', 'episodes', 'faults', 'checked', 'left open', 'left running', 'longest stall', 'failed'],
      style: process.stdout.isTTY ? { head: [] } : { head: [], border: [] },
    });
    for (const [name, row] of this.#rows) table.push(row.cells(name));
    table.push(this.#all.cells('all'));
    return table.toString();
  }
}

function addAll(to: Map<string, number>, from: ReadonlyMap<string, number>): void {
  for (const [what, n] of from) to.set(what, (to.get(what) ?? 0) + n);
}

const list = (map: ReadonlyMap<string, number>) => [...map].map(([what, n]) => `${String(n)} ${what}`).join('\n');
