import { basename } from 'node:path';
import type { ProcessExitMessage } from '@aiopipe/core';
import { BYTES, CPU_SECONDS } from './buckets.js';
import { Instruments } from './instruments.js';
import { listen, type Undo } from '../subscribe.js';

/** Measures what each program and child process has used when it exits. */
export function measureProcesses(): Undo {
  const instruments = new Instruments((meter) => ({
    cpu: meter.createHistogram('aiopipe.process.cpu.time', {
      description: 'Processor time of a program or child process, at its exit.',
      unit: 's',
      advice: { explicitBucketBoundaries: CPU_SECONDS },
    }),
    memory: meter.createHistogram('aiopipe.process.memory.peak', {
      description: 'Largest resident set of a program or child process, at its exit.',
      unit: 'By',
      advice: { explicitBucketBoundaries: BYTES },
    }),
  }));
  return listen<ProcessExitMessage>('aiopipe:process.exit', ({ process: { kind, name }, resourceUsage }) => {
    const { cpu, memory } = instruments.current;
    // The names of children may count up, and each new set of attributes costs memory.
    const attributes = {
      'aiopipe.process.kind': kind,
      ...(kind === 'program' && { 'process.executable.name': basename(name) }),
    };
    cpu.record(resourceUsage.userCPUTime / 1e6, { ...attributes, 'cpu.mode': 'user' });
    cpu.record(resourceUsage.systemCPUTime / 1e6, { ...attributes, 'cpu.mode': 'system' });
    memory.record(resourceUsage.maxRSS * 1024, attributes);
  });
}
