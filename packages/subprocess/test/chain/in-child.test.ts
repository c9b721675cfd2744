import { pathToFileURL } from 'node:url';
import { inChild, pipeline, PipelineError } from '@aiopipe/subprocess';
import { fixture, leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { whatIsThere } from '../helpers.js';

afterAll(leakCheck());

const url = pathToFileURL(fixture('child-stages'));

describe('a function in a child', () => {
  it('stands between programs, in a process of its own', async () => {
    const { stdout, stages } = await pipeline(['seq', '3'], inChild(url, 'pids'), inChild(url, 'count')).run();
    expect(stdout).toBe(`${String(`${String(stages[1]?.pid)} ${String(process.pid)}\n`.length + 6)}\n`);
    expect(stages.map(({ name }) => name)).toEqual(['seq', 'pids', 'count']);
    expect((await pipeline(['seq', '3'], inChild(url), ['tac']).run()).stdout).toBe('6\n4\n2\n');
  });

  it('passes on every byte, between functions here', async () => {
    const bytes = Buffer.alloc(5_000_000, 'some bytes\n');
    const { stdout } = await pipeline(
      async function* (input) {
        yield* input;
      },
      inChild(url, 'count'),
    ).run({ input: bytes });
    expect(stdout).toBe('5000000\n');
  });

  it('gets what this process was given to load modules', () => {
    // The tests run with --expose-gc, which is no debugger's or test runner's.
    expect(inChild(url).argv).toContain('--expose-gc');
    expect(inChild(url).argv.slice(-2)).toEqual([url.href, 'default']);
  });

  it('that throws fails, with the error on its stderr', async () => {
    const error = await pipeline(['seq', '3'], inChild(url, 'failing'), ['cat'])
      .run()
      .catch((thrown: unknown) => thrown as PipelineError);
    expect(error).toBeInstanceOf(PipelineError);
    expect(error).toMatchObject({ stages: [{}, { name: 'failing', exitCode: 1 }, {}], stdout: '1\n' });
    expect((error as PipelineError).stages[1]?.stderr).toMatch(/^RangeError: no 1\n.*at /);
  });

  it('ends as a success when its output is not read any more, and so do the programs before it', async () => {
    const { fds, children } = whatIsThere();
    const { stdout, stages } = await pipeline(['yes', '1'], inChild(url), ['head', '-1']).run();
    expect(stdout).toBe('2\n');
    expect(stages).toMatchObject([{ signalCode: 'SIGPIPE' }, { exitCode: 0 }, { exitCode: 0 }]);
    expect([fds(), children()]).toEqual([[], []]);
  });

  it('that isn’t there says so', async () => {
    const stderr = async (name: string) => {
      const error = await pipeline(inChild(url, name))
        .run()
        .catch((thrown: unknown) => thrown as PipelineError);
      return (error as PipelineError).stages[0]?.stderr;
    };
    expect(await stderr('nothing')).toMatch(
      /child-stages\.js exports no function 'nothing' \(it exports .+\); write: export async function\* nothing\(input\)/,
    );
    expect(await stderr('five')).toMatch(/exports no function 'five'/);
    expect(() => inChild('./stage.js' as never)).toThrow(/new URL\('\.\/stage\.js', import\.meta\.url\)/);
    expect(() => inChild(new URL('https://example.org/x.js'))).toThrow(TypeError);
  });
});
