import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Bytes. Longer inputs reach nothing that shorter ones do not. */
const LONGEST = 4096;

/** Inputs that each ran code that no earlier input did. They stay in a directory that git ignores. */
export class Corpus {
  readonly #directory = fileURLToPath(new URL('../../.corpus/', import.meta.url));
  readonly #inputs: Buffer[] = [];

  /** Goes through the inputs of earlier runs, the shortest first, and keeps those that run new code. */
  constructor(runsNew: (input: Buffer) => boolean) {
    mkdirSync(this.#directory, { recursive: true });
    const inputs = readdirSync(this.#directory).flatMap((name) => {
      try {
        return [{ name, bytes: readFileSync(join(this.#directory, name)) }];
      } catch {
        return []; // another run has dropped it
      }
    });
    inputs.sort((a, b) => a.bytes.length - b.bytes.length);
    for (const { name, bytes } of inputs) {
      if (runsNew(bytes)) this.#inputs.push(bytes);
      else rmSync(join(this.#directory, name), { force: true });
    }
  }

  get inputs(): readonly Buffer[] {
    return this.#inputs;
  }

  add(input: Buffer): void {
    if (input.length > LONGEST) return;
    this.#inputs.push(input);
    writeFileSync(join(this.#directory, createHash('sha1').update(input).digest('hex')), input);
  }
}
