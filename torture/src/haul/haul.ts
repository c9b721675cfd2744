// One kind of work for a long time, in a process of its own: `node --expose-gc haul.js <kind> <seconds>`.
import { isChild } from '@aiopipe/process';
import { childPids, collectGarbage, openFds } from '@aiopipe/testing';
import { type Kind, kinds } from './kinds.js';
import { type Hauled } from './hauled.js';
import { slopeOf } from './slope.js';

interface Sample {
  readonly count: number;
  readonly heap: number;
  readonly rss: number;
  readonly descriptors: number;
  readonly processes: number;
}

async function sampled(count: number): Promise<Sample> {
  await collectGarbage();
  const { heapUsed, rss } = process.memoryUsage();
  return { count, heap: heapUsed, rss, descriptors: openFds().size, processes: childPids().length };
}

async function haul({ most, batch, open }: Kind, seconds: number): Promise<Hauled> {
  const { run, close } = await open();
  const end = performance.now() + seconds * 1000;
  const samples: Sample[] = [];
  let count = 0;
  // A first batch fills caches and compiles code, which stay in memory.
  await run(batch);
  do {
    await run(batch);
    count += batch;
    samples.push(await sampled(count));
  } while (count < most && performance.now() < end);
  await close();
  const fit = (of: 'heap' | 'rss') => {
    const { slope, error } = slopeOf(samples.map((sample) => [sample.count, sample[of]]));
    return [slope, error] as const;
  };
  const range = (of: 'descriptors' | 'processes') =>
    [samples[0]?.[of] ?? 0, Math.max(...samples.map((sample) => sample[of]))] as const;
  return {
    count,
    heap: fit('heap'),
    rss: fit('rss'),
    descriptors: range('descriptors'),
    processes: range('processes'),
  };
}

if (!isChild()) {
  const [name = '', seconds = '1'] = process.argv.slice(2);
  const kind = kinds.get(name);
  if (kind === undefined) throw new Error(`no kind ${name}`);
  console.log(JSON.stringify(await haul(kind, Number(seconds))));
}
