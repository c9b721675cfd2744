import { startProcess } from '@aiopipe/process';
import { until } from '@aiopipe/testing';
import { harmer } from '../kill.js';
import { answersCalls, callChannel, makeCalls, serveCalls } from '../peers/calls.js';
import { type Episode } from './episode.js';

export const calls: Episode = {
  about:
    'calls in both directions, of a child that is killed and stopped: each settles with its own answer, or as lost',
  async run(world) {
    const [here, there] = callChannel();
    using _there = there;
    using own = here;
    const child = startProcess(answersCalls, { args: [there], stderr: 'ignore' });
    child.result.catch(() => undefined);
    const { remote, answers, exposed } = serveCalls(own);
    // Else most children would be killed in their boot.
    if (world.between(0, 3) > 0) await remote.generators();
    const stop = harmer(world, world.pick([0, 1, 3]), () => (child.pid === undefined ? [] : [child.pid]));
    let lost = 0;
    for (let round = world.between(1, 4); round > 0 && lost === 0; round--) {
      world.at('waiting for all calls');
      const back = remote.calls(world.between(0, 1e9), world.between(0, 300)).catch(() => undefined);
      const tallies = [await makeCalls(world, remote, world.between(1, 500)), await back];
      for (const tally of tallies) {
        for (const wrong of tally?.wrong ?? []) world.check(false, wrong);
        world.count('calls', tally?.right ?? 0);
        lost += tally?.lost ?? 1;
      }
    }
    stop();
    world.at('waiting for the generators');
    if (lost === 0)
      await until(
        'the generators of the child have ended',
        async () => (await remote.generators().catch(() => 0)) === 0,
      );
    own[Symbol.dispose]();
    await exposed.closed.catch(() => undefined);
    await until('its own generators have ended', () => answers.generators() === 0);
    world.at('waiting for the child');
    const { exitCode } = (await child.join({ timeout: 30_000 })) ?? {};
    world.check(lost === 0 || exitCode !== 0, `${String(lost)} calls are lost, and the child exited with 0`);
  },
};
