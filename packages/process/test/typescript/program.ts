// Starts a process on a function of a TypeScript module, by its target and by its URL.
import { startProcess } from '@aiopipe/process';
import type * as Worker from './worker.js';

const worker = new URL('./worker.ts', import.meta.url);
// Not an import statement: the name ends in .ts for a Node that knows TypeScript, and the compiler would refuse that.
const { answer } = (await import(worker.href)) as typeof Worker;
const byTarget: string = await startProcess(answer, { args: [{ words: ['by', 'target'] }] }).result;
const byUrl = (await startProcess(worker, {
  export: 'answer',
  args: [{ words: ['by', 'url'] }],
}).result) as string;
process.stdout.write(`${byTarget}, ${byUrl}\n`);
