import { childPids } from '@aiopipe/testing';
import { Supervisor, type SupervisorSpec } from '@aiopipe/process';
import { harmOne } from '../kill.js';
import { serve } from '../targets.js';
import { type Episode } from './episode.js';

export const supervisorKills: Episode = {
  about: 'a supervision tree whose children are killed: back in shape, or given up by its rules',
  async run(world) {
    const intensity = world.pick([2, 1000]);
    const leaf = (id: string) => ({
      id,
      target: serve,
      ready: {},
      shutdown: 500,
      options: { stderr: 'ignore' as const },
    });
    const inner: SupervisorSpec = {
      id: 'inner',
      type: 'supervisor',
      strategy: world.pick(['one_for_one', 'one_for_all', 'rest_for_one'] as const),
      intensity,
      children: [leaf('c'), leaf('d')],
    };
    const supervisor = new Supervisor([leaf('a'), inner, leaf('b')], {
      strategy: world.pick(['one_for_one', 'one_for_all', 'rest_for_one'] as const),
      intensity,
    });
    let hasGivenUp = false;
    supervisor.finished.catch(() => {
      hasGivenUp = true;
    });
    world.at('starting the tree');
    await supervisor.start();
    world.count('starts', 4);
    for (let kill = world.between(1, 6); kill > 0 && !hasGivenUp; kill--) {
      harmOne(world);
      await new Promise((resolve) => setTimeout(resolve, world.between(0, 200)));
    }
    world.at('waiting for the tree to be in shape');
    const isInShape = () => childPids().length === 4;
    for (const end = performance.now() + 30_000; !hasGivenUp && !isInShape() && performance.now() < end;) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    world.check(hasGivenUp || isInShape(), `the tree has ${String(childPids().length)} of 4 children`);
    world.check(!hasGivenUp || intensity < 1000, 'the tree gave up although its rules allow a thousand restarts');
    world.at('stopping the tree');
    await supervisor.stop().catch(() => undefined);
  },
};
