// What people can say of a service whose code they do not know: from its page, its traces and its log.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Browser, chromium, leakCheck, until, type Page } from '@aiopipe/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listed, milliseconds, startCollector, type Span } from './collector.js';

const SLOW = 120_000;
const file = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));

const checkLeaks = leakCheck();
let folder: string;
let collector: Awaited<ReturnType<typeof startCollector>>;
let service: ChildProcess;
let exit: Promise<unknown[]>;
const output = { stdout: '', stderr: '' };

interface LogLine {
  readonly event: string;
  readonly process: string;
  readonly pid: number;
  readonly child?: string;
  readonly childPid?: number;
  readonly trace?: string;
}

/** The lines of the log that are about an event. */
const logged = (event: string): LogLine[] =>
  output.stderr
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as LogLine)
    .filter((line) => line.event === `aiopipe:${event}`);

async function find(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<string> {
  await until(`${stream} has ${String(pattern)}`, () => pattern.test(output[stream]), 60_000);
  return pattern.exec(output[stream])?.[1] as string;
}

async function ask(path: string): Promise<{ status: number; text: string }> {
  const port = await find('stdout', /^listening on (\d+)$/m);
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: answer.status, text: await answer.text() };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'examples-'));
  await writeFile(join(folder, 'text'), 'hi\n');
  await writeFile(join(folder, 'empty'), '');
  collector = await startCollector();
  const preloads = [file('telemetry.mjs'), file('log-events.mjs'), '@aiopipe/inspector'];
  const options = preloads.flatMap((name) => ['--import', name]);
  service = spawn(process.execPath, [...options, file('watched-service.mjs'), '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      // Milliseconds. A worker that dies loses the spans that it has not sent.
      OTEL_BSP_SCHEDULE_DELAY: '100',
      AIOPIPE_INSPECTOR_KILL: '1',
    },
  });
  exit = once(service, 'close');
  for (const stream of ['stdout', 'stderr'] as const) {
    service[stream]?.setEncoding('utf8').on('data', (text: string) => (output[stream] += text));
  }
}, SLOW);

afterAll(async () => {
  service.kill('SIGKILL');
  await exit;
  collector.close();
  await rm(folder, { recursive: true });
  await checkLeaks();
}, SLOW);

describe('watched-service', { timeout: SLOW }, () => {
  it('answers, and shows what its workers print behind their names', async () => {
    expect(await ask(join(folder, 'text'))).toEqual({
      status: 200,
      text: '{"size":3,"sha1":"55ca6286e3e4f4fba5d0448333fa99fc5a404a73"}\n',
    });
    await until('the worker has sent its spans', () => collector.spans.some(({ name }) => name === 'process inspect'));
    expect(output.stdout).toMatch(new RegExp(`^inspect-[12] \\| looks at ${folder}/text$`, 'm'));
  });

  describe.skipIf(chromium === undefined)('on its page', () => {
    let browser: Browser;
    let page: Page;
    beforeAll(async () => {
      browser = new Browser();
      page = await browser.open(await find('stderr', /aiopipe inspector: (http:\S+)/));
      await page.shows('#status', 'Live');
    }, SLOW);
    afterAll(async () => {
      expect(page.errors).toEqual([]);
      await browser.close();
    }, SLOW);

    it('has a supervisor with its children, a pool with its workers, and two chains', async () => {
      await page.shows(
        '#processes',
        /Supervisor 1[^]*load[^]*cleaner[^]*The pool of inspect[^]*inspect-1[^]*inspect-2/,
      );
      await page.shows('#chains', /tee -a [^]*gzip[^]*tail -n[^]*grep/);
    });

    it('a worker dies: the page says which one, why, and what it was doing', async () => {
      expect(await ask(join(folder, 'empty'))).toMatchObject({ status: 500 });
      await find('stdout', /^failed \| (500 \S+)$/m);
      await page.shows('#failures .failures', /inspect-[12] of the pool of inspect \(pid \d+\)/);
      await page.shows('#failures .why', /It exited with code 1: RangeError: The value of "size" is out of range/);
      await page.shows('#failures dl', /What it was doing\s*It ran inspect for .* tasks? since its start/);
    });

    it('a supervised child is killed: the page says so, and that another one takes its place', async () => {
      await page.evaluate(`document.querySelector('#processes button[aria-label^="Kill load,"]').click()`);
      await page.shows('#kill', 'It runs watchLoad of watched-service.mjs.');
      await page.evaluate(`document.querySelector('#kill-kill').click()`);
      await page.shows('#failures .failures', /load of supervisor 1 \(pid \d+\)\s*It was killed by SIGKILL/);
      await page.shows('#failures dl', /It ran watchLoad of watched-service.mjs for [^]*It will be restarted at once/);
      await page.shows('#processes .last-end:not(:empty)', /^1 restart; at .* it was killed by SIGKILL/);
      const looks = await page.looks('service');
      for (const { what, overflow, wide } of looks) expect({ overflow, wide }, what).toEqual({ overflow: 0, wide: 0 });
    });
  });

  it('ends at SIGTERM', async () => {
    service.kill();
    expect(await exit).toEqual([0, null]);
  });

  it('has sent the trace of a request: through the pool, a child and the programs', () => {
    const task = collector.spans.find(({ name }) => name === 'process inspect') as Span;
    const trace = collector.spans.filter(({ traceId }) => traceId === task.traceId);
    const request = trace.find(({ name }) => name === 'GET') as Span;
    const places = new Map([
      [service.pid, 'service'],
      [task.pid, 'worker'],
    ]);
    const place = ({ pid }: Span) => places.get(pid) ?? 'child';
    const rows = listed(
      trace,
      request.parentSpanId,
      (span) => `${span.name} (${place(span)}) ${milliseconds(span).toFixed(1)} ms`,
    );
    process.stdout.write(`${rows.join('\n')}\n`);
    expect(listed(trace, request.parentSpanId, (span) => `${span.name} (${place(span)})`)).toEqual([
      'GET (service)',
      '  run inspect (service)',
      '    process inspect (worker)',
      '      start checksum (worker)',
      '        run checksum (child)',
      '          sha1sum | cut (child)',
      '            sha1sum (child)',
      '            cut (child)',
    ]);
  });

  it('has logged the same request in each process, with the id of the trace', () => {
    const request = collector.spans.find(({ name }) => name === 'process inspect') as Span;
    const trace = Buffer.from(request.traceId, 'base64').toString('hex');
    const worker = expect.stringMatching(/^inspect-[12]$/) as string;
    expect(logged('pool.task')[0]).toMatchObject({ process: 'main', pid: service.pid, workers: [worker], trace });
    expect(logged('worker.task')[0]).toMatchObject({ process: worker, target: 'inspect', trace });
    expect(logged('pipeline.run')[0]).toMatchObject({
      process: 'checksum',
      chain: `sha1sum ${folder}/text | cut -c -40`,
      trace,
    });
    const isOfRequest = (line: LogLine) => line.trace === trace;
    expect(
      logged('process.start')
        .filter(isOfRequest)
        .map(({ child }) => child)
        .sort(),
    ).toEqual(['checksum', 'cut', 'sha1sum']);
    const exits = logged('process.exit').filter(({ process: name }) => name === 'checksum');
    expect(exits).toHaveLength(2);
    for (const line of exits) expect(line).toMatchObject({ exitCode: 0, signalCode: null, trace });
  });
});
