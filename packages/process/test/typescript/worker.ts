// A target in TypeScript, which only some Nodes, or a loader, can load.
import { target } from '@aiopipe/process';

interface Question {
  readonly words: readonly string[];
}

export const answer = target(import.meta.url, 'answer', ({ words }: Question): string => words.join(' '));
