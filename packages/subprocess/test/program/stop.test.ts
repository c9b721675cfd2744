import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { AbortError, TimeoutError } from '@aiopipe/core';
import { popen } from '@aiopipe/subprocess';
import { errorOf, isRunning, leakCheck, runFixture } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(leakCheck());

const DEAF = ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.01; done'];

/** Whether a program can keep a processor from all others: that needs rights, and a second processor. */
const canStarve = availableParallelism() > 1 && spawnSync('chrt', ['-f', '50', 'true']).status === 0;

/** A program that has said that it ignores SIGTERM. */
async function deaf() {
  const program = popen(DEAF, { stdout: 'pipe', group: 'own' });
  const reader = program.stdout.open();
  await reader.readLine();
  return program;
}

describe('stop()', () => {
  it('sends SIGTERM, and resolves with how it ended, as wait() does', async () => {
    const program = popen(['sleep', '1000']);
    const exit = await program.stop();
    expect(exit).toMatchObject({ exitCode: null, signalCode: 'SIGTERM' });
    expect(await program.wait()).toBe(exit);
    expect(await program.stop()).toBe(exit);
  });

  it('sends SIGKILL after the grace period', async () => {
    await using program = await deaf();
    expect(await program.stop({ grace: 20 })).toMatchObject({ signalCode: 'SIGKILL' });
  });

  it.runIf(canStarve)('waits for one that dies late, and keeps this process alive for that', async () => {
    const { stdout, code } = await runFixture('stops-what-dies-late');
    expect({ stdout, code }).toEqual({ stdout: 'it has ended', code: 0 });
  });

  it('ends the group that it leads, too', async () => {
    await using program = popen(['sh', '-c', 'sleep 1000 & echo $!; wait'], { stdout: 'pipe', group: 'own' });
    const reader = program.stdout.open();
    const grandchild = Number(await reader.readLine());
    await program.stop();
    expect(isRunning(grandchild)).toBe(false);
  });

  it('goes on if its signal is aborted, which ends the wait alone', async () => {
    await using program = await deaf();
    const abort = new AbortController();
    const stopped = program.stop({ grace: 50, signal: abort.signal });
    abort.abort('why');
    const error = await errorOf(stopped);
    expect(error).toBeInstanceOf(AbortError);
    expect(error.cause).toBe('why');
    expect(await program.wait()).toMatchObject({ signalCode: 'SIGKILL' });
  });

  it('reaches a program that is stopped', async () => {
    const program = popen(['sleep', '1000']);
    program.kill('SIGSTOP');
    expect(await program.stop()).toMatchObject({ signalCode: 'SIGTERM' });
  });

  it('sends nothing if its options are wrong', async () => {
    const program = popen(['sleep', '1000']);
    expect((await errorOf(program.stop({ grace: NaN }))).message).toBe(
      'grace: expected milliseconds, 0 or more, not NaN',
    );
    expect((await errorOf(program.stop({ Grace: 1 } as object))).message).toContain('did you mean grace?');
    expect(await errorOf(program.stop({ signal: 5 as never }))).toBeInstanceOf(TypeError);
    expect(await errorOf(program.wait({ timeout: 20 }))).toBeInstanceOf(TimeoutError);
    expect(program.terminate()).toBe(true);
    expect(await program.wait()).toMatchObject({ signalCode: 'SIGTERM' });
  });
});
