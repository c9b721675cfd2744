import type { PipelineRun } from '@aiopipe/subprocess';
import { traceOperation } from './operation.js';
import { type Undo } from '../subscribe.js';

/** A chain has a span until all of it has ended. Its programs have their own spans within that. */
export function tracePipelines(): Undo {
  return traceOperation<PipelineRun>({
    channel: 'aiopipe:pipeline.run',
    describe: () => ({ name: 'pipeline' }),
    called: (span, { stages }) => {
      // Without the arguments: these may be secrets, and would give each chain a name of its own.
      const names = stages.map(({ name }) => name);
      span.updateName(names.join(' | '));
      span.setAttribute('aiopipe.pipeline.stages', names);
      return false;
    },
  });
}
