// The compiler checks this file (`npm run typecheck`); nothing here is called.
import { expectTypeOf } from 'vitest';
import {
  aioduplex,
  aiopipe,
  type DetachedEnd,
  AsyncFile,
  type DuplexEnd,
  type EndState,
  type MemoryState,
  PipeReader,
  type PipeWriter,
  ReadEnd,
  sharedMemory,
  type SharedMemory,
  WriteEnd,
} from '@aiopipe/core';

const [rx, tx] = aiopipe({ capacity: 4096 });
expectTypeOf(rx).toEqualTypeOf<ReadEnd>();
expectTypeOf(tx).toEqualTypeOf<WriteEnd>();
expectTypeOf(aioduplex()).toEqualTypeOf<[DuplexEnd, DuplexEnd]>();
expectTypeOf(rx.state).toEqualTypeOf<EndState>();
expectTypeOf(tx.detach()).toEqualTypeOf<DetachedEnd>();
expectTypeOf(tx.detach((child) => child.fd)).toBeNumber();

const reader = rx.open();
expectTypeOf(reader).toEqualTypeOf<PipeReader>();
expectTypeOf(reader.read(10, { timeout: 5 })).toEqualTypeOf<Promise<Buffer>>();
for await (const chunk of reader) expectTypeOf(chunk).toEqualTypeOf<Buffer>();
for await (const line of reader.lines()) expectTypeOf(line).toBeString();
const writer = tx.open();
expectTypeOf(writer).toEqualTypeOf<PipeWriter>();
void writer.write('text');
void writer.write(new Uint8Array(4));
expectTypeOf(aioduplex()[0].open().reader).toEqualTypeOf<PipeReader>();

// @ts-expect-error -- an end to write to is none to read from
((end: ReadEnd) => end)(tx);
// @ts-expect-error -- a reader does not write
void reader.write('x');
// @ts-expect-error -- an object is neither bytes nor text
void writer.write({});
// @ts-expect-error -- a misspelt option
aiopipe({ capasity: 1 });
// @ts-expect-error -- a misspelt option of a call
void reader.read(1, { timout: 5 });

// Ends and streams come from the functions that make them.
// @ts-expect-error -- ReadEnd.fromFd() makes it
new ReadEnd(3);
// @ts-expect-error -- aiopipe() makes it
new WriteEnd();
// @ts-expect-error -- open() makes it
new PipeReader();
// @ts-expect-error -- not for users
void new AsyncFile(3).reader;
// @ts-expect-error -- not for users
aiopipe()[0].open().checkMovable();

const memory = sharedMemory(1024);
expectTypeOf(memory).toEqualTypeOf<SharedMemory>();
expectTypeOf(memory.bytes).toEqualTypeOf<Buffer<ArrayBuffer>>();
expectTypeOf(memory.share({ readOnly: true })).toEqualTypeOf<SharedMemory>();
expectTypeOf(memory.state).toEqualTypeOf<MemoryState>();
// @ts-expect-error -- the option is readOnly
void memory.share({ readonly: true });
