import type { ObservedStage } from '@aiopipe/subprocess';
import { exitWords } from '../log/words.js';
import { type StageBytes, type WatchedChain } from '../watch/chains.js';
import { type ChainSnapshot, type StageSnapshot } from './types.js';

const LONGEST_COMMAND = 1000;

export function snapshotChains(running: Iterable<WatchedChain>): ChainSnapshot[] {
  return [...running].map(({ number, run, startedAt, lastBytes }) => ({
    number,
    command: run.chain.slice(0, LONGEST_COMMAND),
    startedAt,
    stages: run.stages.map((stage) => snapshotStage(stage, lastBytes)),
  }));
}

function snapshotStage(stage: ObservedStage, lastBytes: Map<ObservedStage, StageBytes>): StageSnapshot {
  const { name, result, byteCounts } = stage;
  if (byteCounts !== undefined) lastBytes.set(stage, byteCounts);
  const { bytesRead, bytesWritten } = lastBytes.get(stage) ?? {};
  const isFunction = result.argv === undefined;
  const hasEnded = !isFunction && (result.exitCode !== null || result.signalCode !== null);
  return {
    name,
    pid: isFunction ? undefined : result.pid,
    end: hasEnded ? exitWords(result) : undefined,
    bytesRead,
    bytesWritten,
  };
}
