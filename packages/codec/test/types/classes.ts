// The classes that users can make with `new`. Functions of the package make the others.
import { expectTypeOf } from 'vitest';
import * as codec from '@aiopipe/codec';

type Made<Module> = {
  [Name in keyof Module]: Module[Name] extends abstract new (...args: never) => unknown ? Name : never;
}[keyof Module];
expectTypeOf<Made<typeof codec>>().toEqualTypeOf<
  | 'FrameDecoder'
  | 'FrameEncoder'
  | 'DecodeError'
  | 'EncodeError'
  | 'EndOfStreamError'
  | 'FrameTooLongError'
  | 'InvalidMessageError'
  | 'QueueFullError'
>();
// @ts-expect-error -- ChannelEnd is a type alone
void codec.ChannelEnd;
