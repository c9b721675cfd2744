import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { leakCheck } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';
import { listed, milliseconds, startCollector, type Span } from './collector.js';

const checkLeaks = leakCheck();
afterAll(checkLeaks);

const file = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));

test('a collector gets each request as one trace, through the server, a worker and the programs', async () => {
  const collector = await startCollector();
  const server = spawn(process.execPath, ['--import', file('telemetry.mjs'), file('traced-server.mjs'), '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
  });
  try {
    const [port] = (await once(createInterface(server.stdout), 'line')) as [string];
    const answer = await fetch(`http://127.0.0.1:${port}${encodeURI(file('package.json'))}`);
    expect(await answer.text()).toMatch(/^[0-9a-f]{40}\n$/);
  } finally {
    server.kill();
    await once(server, 'exit');
    collector.close();
  }
  const request = collector.spans.find(({ name }) => name === 'GET');
  const trace = collector.spans.filter(({ traceId }) => traceId === request?.traceId);
  const place = ({ pid }: Span) => (pid === server.pid ? 'server' : 'worker');
  const root = request?.parentSpanId;
  const rows = listed(trace, root, (span) => `${span.name} (${place(span)}) ${milliseconds(span).toFixed(1)} ms`);
  process.stdout.write(`${rows.join('\n')}\n`);
  expect(listed(trace, root, (span) => `${span.name} (${place(span)})`)).toEqual([
    'GET (server)',
    '  run checksum (server)',
    '    process checksum (worker)',
    '      sha1sum | cut (worker)',
    '        sha1sum (worker)',
    '        cut (worker)',
  ]);
}, 60_000);
