import { availableParallelism, cpus, loadavg, release, type } from 'node:os';

/** The facts about a machine on which the figures depend. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly kernel: string;
  readonly node: string;
  /** Of the last minute, before anything ran: much more than 0 and others are at work here too. */
  readonly load: number;
  readonly date: string;
}

export function describeMachine(): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    kernel: `${type()} ${release()}`,
    node: process.version,
    load: loadavg()[0] as number,
    date: new Date().toISOString(),
  };
}

export function machineLine({ cores, processor, kernel, node, load }: Machine): string {
  return `${String(cores)} cores (${processor}), ${kernel}, Node ${node}, load ${load.toFixed(2)}`;
}
