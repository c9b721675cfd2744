// The compiler checks this file (`npm run typecheck`); nothing here is called.
import { expectTypeOf } from 'vitest';
import {
  channel,
  merge,
  type Channel,
  type ChannelReader,
  type ChannelWriter,
  type StandardSchema,
} from '@aiopipe/codec';

interface Job {
  readonly file: string;
}
interface Answer {
  readonly digest: string;
}
declare const job: Job;
declare const schema: StandardSchema<Job>;

const [reader, writer] = channel<Job>();
expectTypeOf(reader).toEqualTypeOf<ChannelReader<Job>>();
expectTypeOf(writer).toEqualTypeOf<ChannelWriter<Job>>();
expectTypeOf(reader.get({ timeout: 5 })).toEqualTypeOf<Promise<Job>>();
expectTypeOf(reader.tryGet()).toEqualTypeOf<{ value: Job } | undefined>();
expectTypeOf(writer.put(job)).toEqualTypeOf<Promise<void>>();
for await (const message of reader) expectTypeOf(message).toEqualTypeOf<Job>();

// One end receives the type that the other end sends.
declare function isJob(value: unknown): value is Job;
const [here, there] = channel<Job, Answer>({ duplex: true });
expectTypeOf(here).toEqualTypeOf<Channel<Job, Answer>>();
expectTypeOf(there).toEqualTypeOf<Channel<Answer, Job>>();
expectTypeOf(here.get()).resolves.toEqualTypeOf<Answer>();
expectTypeOf(there.get()).resolves.toEqualTypeOf<Job>();

// One type for both directions.
expectTypeOf(channel<Job>({ duplex: true })[0]).toEqualTypeOf<Channel<Job, Job>>();
// Without a type a message is unknown.
expectTypeOf(channel()[0].get()).resolves.toBeUnknown();

// A schema gives the type of what is received, and leaves what is sent.
expectTypeOf(channel()[0].validate(schema)).toEqualTypeOf<ChannelReader<Job>>();
expectTypeOf(here.validate(schema)).toEqualTypeOf<Channel<Job, Job>>();
// A handwritten schema has no value beside its issues.
const byHand = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) => (isJob(value) ? { value } : { issues: [{ message: 'no job' }] }),
  },
} as const;
expectTypeOf(channel()[0].validate(byHand)).toEqualTypeOf<ChannelReader<Job>>();
const slow = {
  '~standard': { version: 1, vendor: 'test', validate: async (value: unknown) => ({ value: Number(value) }) },
} as const;
expectTypeOf(here.validate(slow)).toEqualTypeOf<Channel<Job, number>>();
for await (const message of merge([reader, channel<Job>()[0]])) expectTypeOf(message).toEqualTypeOf<Job>();
expectTypeOf(merge([reader, there], { signal: AbortSignal.timeout(5) })).toExtend<AsyncIterable<unknown>>();
expectTypeOf(merge(new Set([reader]))).toExtend<AsyncIterable<Job>>();

// @ts-expect-error -- a misspelt option
merge([reader], { signl: AbortSignal.timeout(5) });
// @ts-expect-error -- each get() has its timeout; a loop has none
merge([reader], { timeout: 5 });
// @ts-expect-error -- a writer receives nothing
merge([writer]);

// @ts-expect-error -- a wrong message
void writer.put({ name: 'x' });
// @ts-expect-error -- the other direction's
void there.put(job);
// @ts-expect-error -- a reader does not put
void reader.put(job);
// @ts-expect-error -- a writer does not get
void writer.get();
// @ts-expect-error -- not duplex
void writer.validate(schema);
// @ts-expect-error -- a misspelt option
channel({ dupleks: true });
// @ts-expect-error -- a misspelt option of a call
void reader.get({ timout: 5 });
// @ts-expect-error -- no schema
reader.validate({});
// @ts-expect-error -- unknown is no Job
expectTypeOf(channel()[0].get()).resolves.toEqualTypeOf<Job>();
