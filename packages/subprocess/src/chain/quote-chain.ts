import { quote } from '../program/command.js';
import { type Input } from '../io/input.js';
import { quoteStage, type CheckedStage } from './stage.js';
import { isFileSource } from '@aiopipe/core/internal';
import { type OutputOption } from '../io/target.js';

/** What is shown of the options, where it is a file by its path. */
export interface Redirects {
  readonly input?: Input | undefined;
  readonly output?: OutputOption | undefined;
}

/** How a shell would write a chain: `sort <in | uniq >>out`. */
export function quoteChain(stages: readonly CheckedStage[], { input, output }: Redirects): string {
  const lines = stages.map(quoteStage);
  if (isFileSource(input)) lines[0] = `${lines[0] ?? ''} <${quote(input.file)}`;
  if (isFileSource(output)) {
    lines.push(`${lines.pop() ?? ''} ${output.append === true ? '>>' : '>'}${quote(output.file)}`);
  } else if (output === 'ignore') {
    lines.push(`${lines.pop() ?? ''} >/dev/null`);
  }
  return lines.join(' | ');
}
