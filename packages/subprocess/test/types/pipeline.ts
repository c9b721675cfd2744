// The compiler checks this file (`npm run typecheck`); nothing here is called.
import { expectTypeOf } from 'vitest';
import {
  $,
  pipeline,
  type Pipeline,
  type PipelineResult,
  type StageInput,
  type StageResult,
} from '@aiopipe/subprocess';

declare const encoding: BufferEncoding | 'buffer';
declare const file: string;

const chain = pipeline(['sort', file], ['uniq', '-c']);
expectTypeOf(chain).toEqualTypeOf<Pipeline>();

// stdout is what the encoding says.
expectTypeOf(await chain).toEqualTypeOf<PipelineResult>();
expectTypeOf(chain.run()).toEqualTypeOf<Promise<PipelineResult>>();
expectTypeOf((await chain.run()).stdout).toBeString();
expectTypeOf((await chain.run({ encoding: 'latin1' })).stdout).toBeString();
expectTypeOf((await chain.run({ encoding: 'buffer' })).stdout).toEqualTypeOf<Buffer>();
expectTypeOf((await chain.run({ encoding })).stdout).toEqualTypeOf<string | Buffer>();
expectTypeOf((await chain.run()).stages).toEqualTypeOf<readonly StageResult[]>();
expectTypeOf((await chain.run()).stderr).toBeString();

for await (const line of chain.lines()) expectTypeOf(line).toBeString();
for await (const line of chain.lines({ encoding: 'latin1' })) expectTypeOf(line).toBeString();
for await (const line of chain.lines({ encoding: 'buffer', separator: '\0' }))
  expectTypeOf(line).toEqualTypeOf<Buffer>();
for await (const chunk of chain.bytes()) expectTypeOf(chunk).toEqualTypeOf<Buffer>();

// Stages are argument lists, programs with options, functions and chains' own words.
async function* numbered(input: StageInput) {
  for await (const line of input.lines()) yield `${line}\n`;
}
expectTypeOf(pipeline(['a'], numbered, { argv: ['b'], cwd: '/' }).pipe(['c'])).toEqualTypeOf<Pipeline>();
expectTypeOf($`grep -c ${file} ${['a', 1]} ${5}`.pipe($`sort -n`)).toEqualTypeOf<Pipeline>();
void pipeline(['a']).run({ input: 'text', timeout: 5, output: 'inherit', stderr: 'shared' });

// @ts-expect-error -- no stage
pipeline();
// @ts-expect-error -- no shell line
pipeline('sort file');
// @ts-expect-error -- a word that is no text
pipeline(['head', '-n', 5]);
// @ts-expect-error -- a misspelt field of a stage
pipeline({ argv: ['a'], CWD: '/' });
// @ts-expect-error -- no such encoding
void chain.run({ encoding: 'utf9' });
// @ts-expect-error -- no such encoding of lines
chain.lines({ encoding: 'hex' });
// @ts-expect-error -- a misspelt option
void chain.run({ timeOut: 5 });
// @ts-expect-error -- an object is no word
void $`grep ${{}}`;
// @ts-expect-error -- undefined is no word
void $`grep ${undefined}`;
// @ts-expect-error -- bytes are no text
expectTypeOf((await chain.run({ encoding: 'buffer' })).stdout).toBeString();
