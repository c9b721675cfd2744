import { serialize } from '@aiopipe/codec';
import { Corpus } from '../fuzz/corpus.js';
import { Coverage } from '../fuzz/coverage.js';
import { Grammar } from '../fuzz/grammar.js';
import { judge } from '../fuzz/judge.js';
import { mutated, VALUES } from '../fuzz/mutate.js';
import { recorded } from '../fuzz/recorded.js';
import { type World } from '../world.js';
import { type Episode } from './episode.js';

/** Milliseconds. */
const LONG_ENOUGH = 3000;
/** Inputs between two looks at the coverage. One look costs as much as this many inputs. */
const BATCH = 50;

/** A stream of a peer: frames by the grammar, frames of right values, one that a channel wrote, an input that was of use, or a mixture of them. */
function streamOf(world: World, corpus: readonly Buffer[], records: readonly Buffer[]): Buffer {
  const kind = world.between(0, 4);
  if (kind === 4) return mutated(world, world.pick(records));
  if (kind === 0 && corpus.length > 0) return mutated(world, world.pick(corpus));
  if (kind === 1 && corpus.length > 0) {
    const [one, other] = [world.pick(corpus), world.pick(corpus)];
    return Buffer.concat([
      one.subarray(0, world.between(0, one.length)),
      other.subarray(world.between(0, other.length)),
    ]);
  }
  const frames = Array.from({ length: world.between(1, 3) }, () => {
    const payload = kind === 2 ? serialize(world.pick(VALUES)) : new Grammar(world).message();
    const header = Buffer.alloc(4);
    header.writeUInt32BE((payload.length + (world.between(0, 30) === 0 ? world.pick([1, -1, 2 ** 31]) : 0)) >>> 0);
    return Buffer.concat([header, payload]);
  });
  const stream = Buffer.concat(frames);
  return kind === 2 ? mutated(world, stream) : stream;
}

export const fuzz: Episode = {
  about:
    'streams by the grammar of the wire format, and changed ones: a value that can be sent again, or an error of ours',
  async run(world) {
    const coverage = new Coverage();
    const run = (stream: Buffer) => {
      const start = performance.now();
      const wrong = judge(stream, world.between(0, stream.length));
      world.check(wrong === undefined, `${String(wrong)}; stream: ${stream.toString('base64')}`);
      const time = performance.now() - start;
      world.check(time < 10_000, `${String(time)} ms for the stream ${stream.toString('base64')}`);
    };
    world.at('running the corpus');
    const corpus = new Corpus((input) => {
      run(input);
      return coverage.take();
    });
    world.at('recording streams');
    const records: Buffer[] = [];
    for (let n = 0; n < 10; n++)
      records.push(await recorded(Array.from({ length: world.between(2, 8) }, () => world.pick(VALUES))));
    world.at('running new inputs');
    for (const end = performance.now() + LONG_ENOUGH; performance.now() < end;) {
      const streams = Array.from({ length: BATCH }, () => streamOf(world, corpus.inputs, records));
      streams.forEach(run);
      world.count('inputs', BATCH);
      if (coverage.take()) addThose(streams, corpus);
      await new Promise((resolve) => setImmediate(resolve));
    }
    world.fault('hostile streams');
    world.tellCoverage(coverage);

    /** Which of them it was shows a coverage of its own. */
    function addThose(inputs: readonly Buffer[], to: Corpus): void {
      const own = new Coverage();
      for (const input of to.inputs) run(input);
      own.take();
      for (const input of inputs) {
        run(input);
        if (own.take()) to.add(input);
      }
      own.finish();
    }
  },
};
