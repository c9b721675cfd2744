import { isFileSource } from '@aiopipe/core/internal';
import { quote } from '../program/quote.js';
import { type Input } from '../io/input.js';
import { type OutputOption } from '../io/sink.js';
import { type ChainStage } from './stage.js';

/**
 * The options of a run that a shell line shows, if they are files by their path.
 *
 * @example
 * ```ts
 * import { pipeline } from '@aiopipe/subprocess';
 *
 * const chain = pipeline(['sort', '-u'], ['head', '-5']);
 * const files = { input: { file: '/dev/null' }, output: { file: '/dev/null' } };
 * console.log(chain.toString(files)); // for a log
 * await chain.run(files);
 * ```
 * ```text
 * sort -u </dev/null | head -5 >/dev/null
 * ```
 */
export interface Redirects {
  readonly input?: Input | undefined;
  readonly output?: OutputOption | undefined;
}

/** How a shell would write a chain: `sort <in | uniq >>out`. */
export function quoteChain(stages: readonly ChainStage[], { input, output }: Redirects): string {
  const lines = stages.map(String);
  if (isFileSource(input)) lines[0] = `${lines[0] ?? ''} <${quote(input.file)}`;
  if (isFileSource(output)) {
    lines.push(`${lines.pop() ?? ''} ${output.append === true ? '>>' : '>'}${quote(output.file)}`);
  } else if (output === 'ignore') {
    lines.push(`${lines.pop() ?? ''} >/dev/null`);
  }
  return lines.join(' | ');
}
