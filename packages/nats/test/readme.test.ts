import { natsServer, NatsServer, readmeExamples, runExample } from '@aiopipe/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const examples = readmeExamples('README.md');

test('the README has examples', () => {
  expect(examples.length).toBeGreaterThan(1);
});

describe.skipIf(natsServer === undefined)('with a server', () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await new NatsServer().start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each(examples)('the example at line $line of the README prints what the README says', async (example) => {
    const code = example.code.replace('nats://127.0.0.1:4222', server.url);
    expect(await runExample({ ...example, code })).toEqual({ stdout: example.output ?? '', stderr: '' });
  });
});
