import { PipelineError } from '@aiopipe/subprocess';

/** A chain that is killed so often is killed by the system, which has no memory left, say. */
const MOST_ATTEMPTS = 10;
/** The exit code of `xargs` if a signal has ended the program that it ran. */
const XARGS_PROGRAM_KILLED = 125;

/** Runs a chain. If one of its programs was killed, as people do from the page, runs it again. */
export async function unlessKilled<Result>(run: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === MOST_ATTEMPTS || !(error instanceof PipelineError) || !error.stages.some(wasKilled)) throw error;
    }
  }
}

function wasKilled({ signalCode, exitCode }: PipelineError['stages'][number]): boolean {
  return signalCode === 'SIGTERM' || signalCode === 'SIGKILL' || exitCode === XARGS_PROGRAM_KILLED;
}
