// The compiler checks this file (`npm run typecheck`); nothing here is called.
import { expectTypeOf } from 'vitest';
import { aiopipe } from '@aiopipe/core';
import { inChild, pipeline, tee, type Pipeline, type StageFunction, type StageOptions } from '@aiopipe/subprocess';

const url = new URL('file:///stage.js');
expectTypeOf(tee({ file: '/tmp/copy', append: true })).toEqualTypeOf<StageFunction>();
expectTypeOf(tee(aiopipe()[1])).toEqualTypeOf<StageFunction>();
expectTypeOf(inChild(url, 'parse')).toEqualTypeOf<StageOptions>();
expectTypeOf(pipeline(tee('inherit'), { ...inChild(url), allowFail: true })).toEqualTypeOf<Pipeline>();

// @ts-expect-error -- a path stands in `file`
tee('/tmp/copy');
// @ts-expect-error -- nothing would read that pipe
tee('pipe');
// @ts-expect-error -- a misspelt option
tee({ file: '/tmp/copy', apend: true });
// @ts-expect-error -- an end to read from
tee(aiopipe()[0]);
// @ts-expect-error -- a URL, not its text
inChild('file:///stage.js');
// @ts-expect-error -- the name of an export
inChild(url, { name: 'parse' });
// @ts-expect-error -- tee() makes the stage
pipeline(tee);
