import { instrument } from '@aiopipe/opentelemetry';
import { expectTypeOf } from 'vitest';

expectTypeOf(instrument()).toEqualTypeOf<Disposable>();
// @ts-expect-error -- it has no options
instrument({});
