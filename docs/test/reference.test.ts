// The reference has an example for each public name. A function, a class or a constant has one of its own. So has a type, or its comment
// says `@see the example of {@link Name}`, and that example uses the type. Each example is a whole program, as those of the pages.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { compileTypeScript, fixture, natsServer, NatsServer, runExample } from '@aiopipe/testing';
import { describe, expect, test } from 'vitest';
import { checkTypes, nameOf } from './check-types.js';
import { publicNames } from './public-names.js';

const names = publicNames();
const examples = names.flatMap(({ packageName, name, file, examples }) =>
  examples.map((example) => ({ ...example, packageName, name, file })),
);
type Example = (typeof examples)[number];
const list = (some: typeof names) => some.map(({ file, name }) => `${file}: ${name}`);

/** What a program changes for as long as its process lives: what others print would not be the same then. */
const CHANGES_ITS_PROCESS = /node:diagnostics_channel|addContextCarrier\(|instrument\(\)|process\.argv/;

describe('the reference', () => {
  test('knows the public names', () => {
    expect(names.length).toBeGreaterThan(300);
    expect(names.map(({ name }) => name)).toEqual(expect.arrayContaining(['aiopipe', 'Pool', 'PoolOptions', '$']));
  });

  test('has an example of each function, class and constant', () => {
    expect(list(names.filter(({ kind, examples }) => kind === 'value' && examples.length === 0))).toEqual([]);
  });

  test('has an example of each type, or a link to one that uses it', () => {
    const shown = (packageName: string, name: string | undefined) =>
      examples.filter((example) => example.packageName === packageName && example.name === name);
    const without = names.filter(({ kind, examples, packageName, see, words }) => {
      if (kind === 'value' || examples.length > 0) return false;
      const programs = shown(packageName, see).map(({ code, output = '' }) => code + output);
      return !programs.some((program) => words.length === 0 || words.some((word) => hasWord(program, word)));
    });
    expect(list(without)).toEqual([]);
  });

  test('has examples whose types are right', { timeout: 120_000 }, () => {
    expect(checkTypes('types', examples)).toEqual({ status: 0, stdout: '' });
  });
});

describe.each([...new Set(examples.map(({ packageName }) => packageName))])('of %s', (packageName) => {
  const own = examples.filter((example) => example.packageName === packageName && example.notRun === undefined);
  const needsServer = packageName === 'nats';

  test.skipIf(needsServer && natsServer === undefined)(
    'the examples print what they say',
    { timeout: 300_000 },
    async () => {
      await using server = needsServer ? await new NatsServer().start() : undefined;
      const run = own.map((example) => ({
        ...example,
        code: example.code.replace('nats://127.0.0.1:4222', server?.url ?? ''),
      }));
      expect(await outputsOf(run)).toEqual(
        own.map(({ file, name, output = '' }) => ({ example: `${file}: ${name}`, stdout: output, stderr: '' })),
      );
    },
  );
});

interface Outcome {
  readonly example: string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs them one after the other in one process: to start one for each takes most of the time. */
async function outputsOf(run: readonly Example[]): Promise<Outcome[]> {
  const together = await runTogether(run.filter(({ code }) => !CHANGES_ITS_PROCESS.test(code)));
  const outcomes: Outcome[] = [];
  for (const example of run) {
    const label = `${example.file}: ${example.name}`;
    const { stdout, stderr } = together.get(example) ?? (await runExample(example, nameOf(example.file, 0)));
    outcomes.push({ example: label, stdout, stderr });
  }
  return outcomes;
}

const MARK = '\n#### ';

/**
 * Imports each of the modules, and tells on stdout and stderr where its output begins. The collector runs after each, so that one that does not
 * close what it opened is told of.
 */
const RUNNER = `
import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
for (const module of process.argv.slice(2)) {
  writeSync(1, ${JSON.stringify(MARK)});
  writeSync(2, ${JSON.stringify(MARK)});
  await import(module).catch((error) => writeSync(2, error.stack));
  for (let i = 0; i < 3; i++) await setImmediate(gc());
}
`;

async function runTogether(run: readonly Example[]): Promise<Map<Example, { stdout: string; stderr: string }>> {
  if (run.length === 0) return new Map();
  const modules = run.map(({ file, line }) => fixture(nameOf(file, line)));
  const runner = fixture(`run-${nameOf(run[0]?.file ?? '', 0)}`);
  // Some of them make files, and sockets, whose paths must be short.
  const folder = mkdtempSync(join(tmpdir(), 'aiopipe-'));
  mkdirSync(dirname(runner), { recursive: true });
  try {
    writeFileSync(runner, RUNNER);
    for (const [index, { code }] of run.entries()) writeFileSync(modules[index] ?? '', await compileTypeScript(code));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--expose-gc', runner, ...modules], {
      cwd: folder,
    });
    const [outputs, errors] = [stdout, stderr].map((text) => text.split(MARK).slice(1)) as [string[], string[]];
    return new Map(
      run.map((example, index) => [example, { stdout: outputs[index] ?? '', stderr: errors[index] ?? '' }]),
    );
  } finally {
    for (const path of [runner, ...modules]) rmSync(path, { force: true });
    rmSync(folder, { recursive: true, force: true });
  }
}

function hasWord(text: string, word: string): boolean {
  return new RegExp(`(?<![\\w$])${word.replaceAll('$', '\\$')}(?![\\w$])`).test(text);
}
