import { createHash } from 'node:crypto';
import { AbortError } from '@aiopipe/core';
import { pipeline, PipelineError, type StageInput } from '@aiopipe/subprocess';
import { harmer } from '../kill.js';
import { type Episode } from './episode.js';

async function* through(input: StageInput) {
  for await (const chunk of input) yield chunk;
}

export const chainKills: Episode = {
  about: 'chains whose programs are killed and stopped: the right checksum, or an error that says which',
  async run(world) {
    for (let round = world.between(1, 12); round > 0; round--) {
      const input = Buffer.alloc(world.between(0, 2_000_000), round);
      const expected = createHash('sha1').update(input).digest('hex');
      const middle = Array.from({ length: world.between(0, 3) }, () =>
        world.pick([['cat'], through, ['tail', '-c', '+1']]),
      );
      const stop = harmer(world, world.pick([0, 0, 1, 2]));
      const signal = world.between(0, 5) === 0 ? AbortSignal.timeout(world.between(0, 50)) : undefined;
      world.at(`a chain of ${String(middle.length + 2)} stages`);
      try {
        const { stdout } = await pipeline(['cat'], ...middle, ['sha1sum']).run({ input, signal, grace: 500 });
        world.check(stdout.slice(0, 40) === expected, `the chain returned ${stdout} for ${expected}`);
        world.count('bytes', input.length);
      } catch (error) {
        if (error instanceof AbortError)
          world.check(signal !== undefined, 'the chain rejected with AbortError, and its signal was not aborted');
        else world.check(error instanceof PipelineError && error.stages.length > 0, `the chain: ${String(error)}`);
      }
      stop();
      world.count('chains');
    }
  },
};
