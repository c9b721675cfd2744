import { channel, expose, proxy } from '@aiopipe/codec';
import { SpanKind, trace } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { expect, test } from 'vitest';
import { failureOf, instrumented, spans } from '../helpers.js';

instrumented();

const service = {
  add: (a: number, b: number) => a + b,
  async slow() {
    await Promise.resolve();
    trace.getTracer('app').startSpan('lookup').end();
    return 'done';
  },
  fail() {
    throw new RangeError('no');
  },
  *count(to: number) {
    for (let number = 1; number <= to; number++) yield number;
  },
};

/** Makes calls over a new channel. Resolves with the spans of both sides. */
async function spansOf(
  call: (remote: ReturnType<typeof proxy<typeof service>>) => Promise<unknown>,
): Promise<{ client: ReadableSpan; server: ReadableSpan; inner: ReadableSpan | undefined }> {
  using pair = channel({ duplex: true });
  const [here, there] = pair;
  expose(there, service);
  await call(proxy<typeof service>(here));
  const one = (kind: SpanKind) => spans().find((span) => span.kind === kind) as ReadableSpan;
  return {
    client: one(SpanKind.CLIENT),
    server: one(SpanKind.SERVER),
    inner: spans().find(({ name }) => name === 'lookup'),
  };
}

const idOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().spanId;
const parentOf = (span: ReadableSpan | undefined): string | undefined => span?.parentSpanContext?.spanId;

test('a call has a span at the caller, and one within that at the peer', async () => {
  const { client, server } = await spansOf(async (remote) => remote.add(1, 2));
  expect([client.name, server.name]).toEqual(['add', 'add']);
  expect(parentOf(client)).toBe(undefined);
  expect(parentOf(server)).toBe(idOf(client));
  expect(client.attributes).toMatchObject({ 'rpc.system.name': 'aiopipe', 'rpc.method': 'add' });
  expect(server.attributes).toMatchObject({ 'rpc.system.name': 'aiopipe', 'rpc.method': 'add' });
});

test('the span of the peer is active in the method, also after an await', async () => {
  const { server, inner } = await spansOf(async (remote) => remote.slow());
  expect(parentOf(inner)).toBe(idOf(server));
});

test('a call that throws has the exception on both sides', async () => {
  const { client, server } = await spansOf((remote) => expect(remote.fail()).rejects.toThrow('no'));
  const failure = { isError: true, type: 'RangeError', exceptions: ['no'] };
  expect(failureOf(client)).toEqual(failure);
  expect(failureOf(server)).toEqual(failure);
});

test('the call of a generator is over when its items have come', async () => {
  const { client, server } = await spansOf(async (remote) => {
    const numbers: number[] = [];
    for await (const number of remote.count(3)) numbers.push(number);
    expect(numbers).toEqual([1, 2, 3]);
  });
  expect([client.name, server.name]).toEqual(['count', 'count']);
});
