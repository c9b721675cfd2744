import { leakCheck } from '@aiopipe/testing';
import { Pool, Prefork, startProcess, Supervisor, type AnyChildSpec } from '@aiopipe/process';
import { afterAll, describe, expect, test } from 'vitest';
import { perform, square, work } from './fixtures/does-tasks.js';
import { childPids } from '@aiopipe/testing';
import { childrenSince, errorOf } from './helpers.js';

afterAll(leakCheck());

/** Of a call that throws or rejects. */
const failureOf = (call: () => unknown) => errorOf((async () => call())());

async function withPool<T>(use: (pool: Pool<[n: number], number>) => T): Promise<Awaited<T>> {
  await using pool = new Pool(square, { size: { max: 1 } });
  return await use(pool);
}

async function withProcess<T>(use: (child: ReturnType<typeof startProcess>) => T): Promise<Awaited<T>> {
  const child = startProcess(work, { args: [1, 1e9] });
  try {
    return await use(child);
  } finally {
    child.kill();
    await child.join();
  }
}

async function withPrefork<T>(use: (prefork: Prefork) => T): Promise<Awaited<T>> {
  await using prefork = new Prefork();
  return await use(prefork);
}

const spec = { id: 'it', target: square, args: [1] as [n: number] };
const supervise = (child: object, options: object = {}) =>
  new Supervisor([{ ...spec, ...child } as AnyChildSpec], options);
const nested = (options: object) => new Supervisor([{ id: 'below', type: 'supervisor', children: [], ...options }]);
const partitioned = (options: object) => supervise({ type: 'partitioned', partitions: 2, ...options });

describe('a wrong value is a TypeError that names the option as it was written, and says what to write:', () => {
  const atHome = "write new URL('./worker.js', import.meta.url)";
  const made = "its module makes one by target(import.meta.url, 'name', async (…) => …)";

  test.each<[message: string, run: () => unknown]>([
    [
      `startProcess: expected a target() or the URL of a module, not './worker.js'; ${atHome}, with { export: 'name' }`,
      () => startProcess('./worker.js' as never, { export: 'run' } as never),
    ],
    [`startProcess: expected a target() or the URL of a module, not {}; ${made}`, () => startProcess({} as never)],
    [
      "export: expected the name of a function that file:///x.js exports, not undefined; write startProcess(url, { export: 'name' })",
      () => startProcess(new URL('file:///x.js'), {} as never),
    ],
    [
      `preload[1]: expected a target() or the URL of a module, not './worker.js'; ${atHome}`,
      () => new Prefork({ preload: [square, './worker.js' as never] }),
    ],
    [
      "stdout: expected 'ignore' or 'inherit', not 'pipe'; the children of a prefork cannot share a pipe, an end or a file",
      () => new Prefork({ stdout: 'pipe' as never }),
    ],
    [
      "options.stdout: expected 'inherit' or 'ignore' for a pool, not 'pipe'; to get what workers write, use the pool's option output: 'events'",
      () => new Pool(square, { options: { stdout: 'pipe' } }),
    ],
    [
      "options.stderr: expected 'inherit' or 'ignore' for a pool, not { file: 'log' }; to get what workers write, use the pool's option output: 'events'",
      () => new Pool(square, { options: { stderr: { file: 'log' } } }),
    ],
    [
      "options.stdin: expected 'inherit' or 'ignore' for a pool, not 'pipe'; pass the data as arguments of the task",
      () => new Pool(square, { options: { stdin: 'pipe' } }),
    ],
    [
      'size.max: expected a whole number of workers, from 1 to 1024, not undefined',
      () => new Pool(square, { size: {} as never }),
    ],
    [
      'maxRss.bytes: expected a whole number of bytes, 1 or more, not undefined',
      () => new Pool(square, { maxRss: { interval: 1 } as never }),
    ],
    [
      'maxRss.interval: expected milliseconds above 0, not undefined',
      () => new Pool(square, { maxRss: { bytes: 1 } as never }),
    ],
    [`child "it".target: expected a target(), not 5; ${made}`, () => supervise({ target: 5 })],
    ['intensity: expected a whole number, 0 or more, not -1', () => supervise({}, { intensity: -1 })],
    ['child "below".intensity: expected a whole number, 0 or more, not -1', () => nested({ intensity: -1 })],
    ['child "below".period: expected milliseconds above 0, not 0', () => nested({ period: 0 })],
    [
      "child \"below\".strategy: expected 'one_for_one' or 'one_for_all' or 'rest_for_one', not 'all'",
      () => nested({ strategy: 'all' }),
    ],
    [
      'child "below".backoff.factor: expected a number, 1 or more, not 0',
      () => nested({ backoff: { initial: 1, factor: 0 } }),
    ],
    ['child "below".backoff.initial: expected milliseconds above 0, not undefined', () => nested({ backoff: {} })],
    [
      'child "below".children: expected an array of child specifications, not undefined',
      () => nested({ children: undefined }),
    ],
    ['two children of child "below" have the id "it"', () => nested({ children: [spec, spec] })],
  ])('%s', async (message, run) => {
    const error = await failureOf(run);
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(message);
  });
});

describe('a misspelt option is a TypeError that names what was meant:', () => {
  test.each<[call: string, options: object, message: string, run: (options: object) => unknown]>([
    [
      'startProcess',
      { argz: [1] },
      'argz: unknown option; did you mean args?',
      (o) => startProcess(square, o as never),
    ],
    ['startProcess', { CWD: '/' }, 'CWD: unknown option; did you mean cwd?', (o) => startProcess(square, o as never)],
    [
      'startProcess of a module',
      { exprot: 'x' },
      'exprot: unknown option; did you mean export?',
      (o) => startProcess(new URL('file:///x.js'), { export: 'run', ...o }),
    ],
    [
      'startProcess of a target has no export',
      { export: 'x' },
      'export: unknown option; expected stdin, stdout',
      (o) => startProcess(square, { args: [1], ...o }),
    ],
    ['Prefork', { sizes: 1 }, 'sizes: unknown option; did you mean size?', (o) => new Prefork(o)],
    ['Prefork', { colour: 'red' }, 'colour: unknown option; expected size', (o) => new Prefork(o)],
    [
      'Prefork.ready',
      { timeOut: 1 },
      'timeOut: unknown option; did you mean timeout?',
      (o) => withPrefork((prefork) => prefork.ready(o)),
    ],
    ['Pool', { sise: 1 }, 'sise: unknown option; did you mean size?', (o) => new Pool(square, o)],
    [
      'Pool size',
      { size: { min: 1, mx: 2 } },
      'size.mx: unknown option; did you mean max?',
      (o) => new Pool(square, o),
    ],
    [
      'Pool options',
      { options: { ENV: {} } },
      'options.ENV: unknown option; did you mean env?',
      (o) => new Pool(square, o),
    ],
    ['Pool options', { options: { args: [] } }, 'options.args: unknown option; expected', (o) => new Pool(square, o)],
    [
      'pool.with',
      { retrys: 1 },
      'retrys: unknown option; did you mean retries?',
      (o) => withPool((pool) => pool.with(o)),
    ],
    [
      'pool.drain',
      { signl: 1 },
      'signl: unknown option; did you mean signal?',
      (o) => withPool((pool) => pool.drain(o)),
    ],
    [
      'pool.map',
      { concurency: 1 },
      'concurency: unknown option; did you mean concurrency?',
      (o) => withPool((pool) => pool.map([], o)),
    ],
    [
      'join',
      { timout: 1 },
      'timout: unknown option; did you mean timeout?',
      (o) => withProcess((child) => child.join(o)),
    ],
    [
      'ping',
      { timout: 1 },
      'timout: unknown option; did you mean timeout?',
      (o) => withProcess((child) => child.ping(o)),
    ],
    [
      'Supervisor',
      { stratgy: 'one_for_all' },
      'stratgy: unknown option; did you mean strategy?',
      (o) => supervise({}, o),
    ],
    ['Supervisor', { children: [] }, 'children: unknown option; expected strategy', (o) => supervise({}, o)],
    [
      'backoff',
      { backoff: { initial: 1, maxi: 2 } },
      'backoff.maxi: unknown option; did you mean max?',
      (o) => supervise({}, o),
    ],
    ['events', { singal: 1 }, 'singal: unknown option; did you mean signal?', (o) => supervise({}).events(o)],
    ['child spec', { shutdwn: 1 }, 'child "it".shutdwn: unknown option; did you mean shutdown?', (o) => supervise(o)],
    [
      'child spec',
      { children: [] },
      'child "it".children: only for a supervisor; add type: \'supervisor\'',
      (o) => supervise(o),
    ],
    [
      'ready',
      { ready: { timeoutMs: 1 } },
      'child "it".ready.timeoutMs: unknown option; did you mean timeout?',
      (o) => supervise(o),
    ],
    [
      'heartbeat',
      { heartbeat: { interval: 1, deadlin: 1 } },
      'child "it".heartbeat.deadlin: unknown option; did you mean deadline?',
      (o) => supervise(o),
    ],
    [
      'child options',
      { options: { demon: true } },
      'child "it".options.demon: unknown option; did you mean daemon?',
      (o) => supervise(o),
    ],
    [
      'nested supervisor',
      { intensty: 1 },
      'child "below".intensty: unknown option; did you mean intensity?',
      (o) => nested(o),
    ],
    ['nested supervisor', { colour: 'red' }, 'child "below".colour: unknown option; expected id', (o) => nested(o)],
    [
      'startChild',
      { restrat: 'transient' },
      'child "it".restrat: unknown option; did you mean restart?',
      async (o) => {
        await using supervisor = new Supervisor([]);
        await supervisor.start();
        await supervisor.startChild({ ...spec, ...o });
      },
    ],
  ])('%s %o', async (_call, options, message, run) => {
    const before = childPids();
    const error = await failureOf(() => run(options));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(message);
    expect(childrenSince(before)).toEqual([]);
  });

  test.each<[call: string, run: (options: never) => unknown]>([
    ['startProcess', (o) => startProcess(perform, o)],
    ['Prefork', (o) => new Prefork(o)],
    ['Pool', (o) => new Pool(square, o)],
    ['Supervisor', (o) => new Supervisor([], o)],
    ['events', (o) => supervise({}).events(o)],
    ['map', (o) => withPool((pool) => pool.map([], o))],
    ['with', (o) => withPool((pool) => pool.with(o))],
    ['join', (o) => withProcess((child) => child.join(o))],
  ])('%s takes an object and nothing else', async (_call, run) => {
    for (const options of [null, 5, 'size', [1]]) {
      const error = await failureOf(() => run(options as never));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/^options: expected an object/);
    }
  });
});

describe('a duration', () => {
  test.each<[what: string, run: (ms: never) => unknown]>([
    ['idleTimeout', (ms) => new Pool(square, { idleTimeout: ms })],
    ['cancelGrace', (ms) => new Pool(square, { cancelGrace: ms })],
    ['period', (ms) => new Pool(square, { period: ms })],
    ['timeout', (ms) => withPool((pool) => pool.with({ timeout: ms }))],
    ['timeout', (ms) => withPool((pool) => pool.drain({ timeout: ms }))],
    ['timeout', (ms) => withProcess((child) => child.join({ timeout: ms }))],
    ['timeout', (ms) => withProcess((child) => child.ping({ timeout: ms }))],
    ['timeout', (ms) => withPrefork((prefork) => prefork.ready({ timeout: ms }))],
    ['period', (ms) => supervise({}, { period: ms })],
    ['backoff.initial', (ms) => supervise({}, { backoff: { initial: ms } })],
    ['backoff.max', (ms) => supervise({}, { backoff: { initial: 1, max: ms } })],
    ['child "it".shutdown', (ms) => supervise({ shutdown: ms })],
    ['child "it".ready.timeout', (ms) => supervise({ ready: { timeout: ms } })],
    ['child "it".heartbeat.interval', (ms) => supervise({ heartbeat: { interval: ms, deadline: 1 } })],
    ['child "it".heartbeat.deadline', (ms) => supervise({ heartbeat: { interval: 1, deadline: ms } })],
  ])('that is none is a TypeError that shows it: %s', async (what, run) => {
    for (const [value, shown] of [
      [NaN, 'NaN'],
      [-1, '-1'],
      ['100', "'100'"],
      [10n, '10n'],
      [{}, '{}'],
    ]) {
      const error = await failureOf(() => run(value as never));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(new RegExp(`^${what}: expected milliseconds.*, not ${String(shown)}$`));
    }
  });

  const LONG = [2 ** 31 - 1, 2 ** 31, 30 * 24 * 3600e3, 2 ** 40, Number.MAX_VALUE, Infinity];

  async function warningsWhile(run: () => Promise<void>): Promise<Error[]> {
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on('warning', note);
    await run();
    // Longer than a timer waits whose time is too long for it.
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('warning', note);
    return warnings;
  }

  test.each(LONG)('of %d ms works for a pool', async (long) => {
    const warnings = await warningsWhile(async () => {
      const settings = { size: { max: 1 }, idleTimeout: long, cancelGrace: long, period: long };
      await using pool = new Pool(work, settings);
      const [, pid] = await pool.with({ timeout: long }).run(1, 0);
      await errorOf(pool.with({ timeout: 1 }).run(2, 100));
      // The one that was not killed, and has not been let go.
      expect((await pool.run(3, 0))[1]).toBe(pid);
      expect(pool.stats).toMatchObject({ killed: 0, workers: { idle: 1 } });
    });
    expect(warnings).toEqual([]);
  });

  test.each(LONG)('of %d ms works for a supervisor', async (long) => {
    const warnings = await warningsWhile(async () => {
      const supervisor = new Supervisor(
        [
          {
            ...{ id: 'it', target: work, args: [1, 1e9] },
            ...{ shutdown: long, heartbeat: { interval: long, deadline: long } },
          },
          { id: 'fails', target: perform, args: ['throw'] },
        ],
        { period: long, backoff: { initial: long, max: long } },
      );
      const events = supervisor.events();
      await supervisor.start();
      for await (const { type } of events) if (type === 'exited') break;
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(supervisor.whichChildren()).toMatchObject([{ state: 'running' }, { state: 'restarting' }]);
      const join = supervisor.whichChildren()[0]?.process?.join({ timeout: long });
      await supervisor.stop();
      expect(await join).toMatchObject({ signalCode: 'SIGTERM' });
    });
    expect(warnings).toEqual([]);
  });
});

describe('an option that another call or another library has is a TypeError that says what to write:', () => {
  test.each<[call: string, name: string, advice: string, run: (options: object) => unknown]>([
    ['Pool', 'concurrency', 'write size: 4, or size: { min, max }', (o) => new Pool(square, o)],
    ['Pool', 'max_threads', 'write size: 4, or size: { min, max }', (o) => new Pool(square, o)],
    ['Pool', 'timeout', 'tasks have it: pool.with({ timeout })', (o) => new Pool(square, o)],
    ['Pool', 'env', 'write options: { env }', (o) => new Pool(square, o)],
    ['with', 'concurrency', 'map() has it: pool.map(list, { concurrency })', (o) => withPool((pool) => pool.with(o))],
    ['with', 'idleTimeout', 'the pool has it: new Pool(…, { idleTimeout })', (o) => withPool((pool) => pool.with(o))],
    ['with', 'cwd', 'the pool has it: new Pool(…, { options: { cwd } })', (o) => withPool((pool) => pool.with(o))],
    [
      'map',
      'max_tasks',
      'the pool has it: new Pool(…, { maxTasks })',
      (o) => withPool((pool) => pool.map([1], o).next()),
    ],
    ['map', 'retries', 'write pool.with({ retries }).map(…)', (o) => withPool((pool) => pool.map([1], o).next())],
    ['map', 'timeout', 'write pool.with({ timeout }).map(…)', (o) => withPool((pool) => pool.map([1], o).next())],
    ['startProcess', 'uid', 'write limits: { uid } in its place', (o) => startProcess(square, { args: [1], ...o })],
    ['startProcess', 'restart', 'a Supervisor restarts children', (o) => startProcess(square, { args: [1], ...o })],
    ['Supervisor', 'max_restarts', 'write intensity: how many restarts within period', (o) => supervise({}, o)],
    ['Supervisor', 'shutdown', 'a child has it: { id, target, shutdown }', (o) => supervise({}, o)],
    ['a child', 'backoff', 'a supervisor has it: new Supervisor(children, { backoff })', (o) => supervise(o)],
    ['a child', 'cwd', 'write options: { cwd }', (o) => supervise(o)],
    ['a child', 'uid', 'write options: { limits: { uid } }', (o) => supervise(o)],
    ['Pool', 'closeTimeout', 'write pool.close({ timeout })', (o) => new Pool(square, o)],
    ['Pool', 'argv0', 'write options: { name }', (o) => new Pool(square, o)],
    ['Pool', 'umask', 'write options: { limits: { umask } }', (o) => new Pool(square, o)],
    ['startProcess', 'argv0', 'write name', (o) => startProcess(square, { args: [1], ...o })],
    ['a child', 'argv0', 'write options: { name }', (o) => supervise(o)],
    [
      'a child',
      'restartDelay',
      'a supervisor has intensity and backoff: new Supervisor(children, { intensity })',
      (o) => supervise(o),
    ],
    ['a nested supervisor', 'max_restarts', 'write intensity: how many restarts within period', nested],
    ['a nested supervisor', 'shutdown', 'its children have it: children: [{ id, target, shutdown }]', nested],
    ['a nested supervisor', 'env', 'its children have it: children: [{ id, target, options: { env } }]', nested],
    ['partitions', 'maxRestarts', 'write intensity: how many restarts within period', partitioned],
    ['partitions', 'cwd', 'write options: { cwd }', partitioned],
    ['partitions', 'strategy', 'each partition restarts alone', partitioned],
    ['Prefork', 'stdio', 'write stdin, stdout and stderr', (o) => new Prefork(o)],
    ['Prefork', 'uid', 'write limits: { uid } in its place', (o) => new Prefork(o)],
    ['Prefork', 'daemon', 'the start has it: startProcess(target, { prefork, daemon })', (o) => new Prefork(o)],
    ['Prefork', 'timeout', 'write prefork.ready({ timeout })', (o) => new Prefork(o)],
  ])('%s: %s', async (_call, name, advice, run) => {
    const before = childPids();
    const error = await failureOf(() => run({ [name]: 1 }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(new RegExp(`^(child "(it|below)"\\.)?${name}: unknown option; `));
    expect(error.message.endsWith(`unknown option; ${advice}`), error.message).toBe(true);
    expect(childrenSince(before)).toEqual([]);
  });
});
