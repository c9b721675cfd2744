import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { pipeline as pipeStreams } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pipeline, PipelineError } from '@aiopipe/subprocess';
import { leakCheck, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { collect, shell, whatIsThere } from '../helpers.js';

afterAll(leakCheck());

const chain = pipeline(['seq', '300000'], ['cat']);
const failing = pipeline(['sh', '-c', 'echo a; exit 3']);
const waiting = pipeline(['sh', '-c', 'echo a; exec sleep 1000'], ['cat']);

describe('bytes()', () => {
  it('are all of the chain’s, as they come', async () => {
    expect(Buffer.concat(await collect(chain.bytes())).toString()).toBe(shell('seq 300000'));
  });

  it('takes what run() takes of options', async () => {
    expect(String(Buffer.concat(await collect(pipeline(['cat']).bytes({ input: 'x' }))))).toBe('x');
    await expect(collect(waiting.bytes({ timeout: 50 }))).rejects.toMatchObject({ code: 'ERR_AIOPIPE_TIMEOUT' });
    expect(() => chain.bytes({ grace: -1 })).toThrow(TypeError);
  });

  it('throws a failure at the end', async () => {
    const bytes = failing.bytes();
    expect(String((await bytes.next()).value)).toBe('a\n');
    await expect(bytes.next()).rejects.toThrow(PipelineError);
  });

  it('ends the chain when it is left', async () => {
    const { fds, children } = whatIsThere();
    for await (const _ of pipeline(['yes']).bytes()) break;
    expect([fds(), children()]).toEqual([[], []]);
  });

  it('ends the chain with its scope, also while a chunk is waited for', async () => {
    const { fds, children } = whatIsThere();
    let next;
    {
      await using bytes = pipeline(['sleep', '600']).bytes();
      next = bytes.next();
    }
    expect(await next).toEqual({ done: true, value: undefined });
    expect([fds(), children()]).toEqual([[], []]);
  });
});

describe('toWeb()', () => {
  it('is a stream of all bytes', async () => {
    expect(await new Response(chain.toWeb() as never).text()).toBe(shell('seq 300000'));
  });

  it('starts nothing before it is read', async () => {
    const { children } = whatIsThere();
    const stream = pipeline(['sleep', '1000']).toWeb();
    await Promise.resolve();
    expect(children()).toEqual([]);
    await stream.cancel();
  });

  it('ends the chain when it is cancelled, also while a read waits', async () => {
    const { fds, children } = whatIsThere();
    const reader = waiting.toWeb().getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('a\n');
    const waits = reader.read();
    await reader.cancel();
    expect((await waits).done).toBe(true);
    expect([fds(), children()]).toEqual([[], []]);
  });

  it('errors with a failure, after the last chunk', async () => {
    const reader = failing.toWeb().getReader();
    expect((await reader.read()).done).toBe(false);
    await expect(reader.read()).rejects.toThrow(PipelineError);
  });

  it('refuses bad options at once', () => {
    expect(() => chain.toWeb({ timeout: -1 })).toThrow(TypeError);
    expect(() => chain.toNode({ input: 5 as never })).toThrow(TypeError);
  });
});

describe('toNode()', () => {
  it('is a stream of all bytes', async () => {
    expect(await text(chain.toNode())).toBe(shell('seq 300000'));
  });

  it('can be piped to other streams and back into a chain', async () => {
    const gzip = createGzip();
    const piped = pipeStreams(chain.toNode(), gzip);
    const { stdout } = await pipeline(['zcat'], ['md5sum']).run({ input: gzip });
    await piped;
    expect(stdout).toBe(shell('seq 300000 | md5sum'));
  });

  it('ends the chain when it is destroyed, also while a read waits', async () => {
    const { fds, children } = whatIsThere();
    const stream = waiting.toNode();
    await once(stream, 'data');
    stream.destroy();
    await once(stream, 'close');
    expect([fds(), children()]).toEqual([[], []]);
  });

  it('emits a failure, after the last chunk', async () => {
    const stream = failing.toNode();
    const seen: string[] = [];
    stream.on('data', (chunk: Buffer) => seen.push(String(chunk)));
    const [error] = (await once(stream, 'error')) as [Error];
    expect([seen, error]).toEqual([['a\n'], expect.any(PipelineError)]);
  });

  it('makes the programs wait while it is not read', async () => {
    const stream = pipeline(['seq', '3000000']).toNode();
    await once(stream, 'readable');
    await until('its buffer is full', () => stream.readableLength >= stream.readableHighWaterMark);
    expect(stream.readableLength).toBeLessThan(1024 * 1024);
    let length = 0;
    for await (const chunk of stream) length += (chunk as Buffer).length;
    expect(length).toBe(shell('seq 3000000').length);
  });
});
