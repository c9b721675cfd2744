// The compiler checks this file (`npm run typecheck`); nothing here is called.
import { expectTypeOf } from 'vitest';
import { connect, Hub, listen, type Channel, type Connection, type Peer } from '@aiopipe/codec';

interface Question {
  readonly id: number;
}

// A hub receives the type that its clients send.
{
  await using hub = listen<string, Question>('/run/app/hub.sock', { mode: 0o660, allow: ({ uid }) => uid === 1000 });
  expectTypeOf(hub).toEqualTypeOf<Hub<string, Question>>();
  expectTypeOf(hub.accept()).resolves.toEqualTypeOf<Connection<string, Question>>();
  for await (const { channel, peer } of hub) {
    expectTypeOf(channel).toEqualTypeOf<Channel<string, Question>>();
    expectTypeOf(peer).toEqualTypeOf<Peer>();
    expectTypeOf(peer.pid).toEqualTypeOf<number>();
  }
}
expectTypeOf(connect<Question, string>('@app', { timeout: 5 })).resolves.toEqualTypeOf<Channel<Question, string>>();
// One type for both directions, and without one a message is unknown.
expectTypeOf(connect<Question>('@app')).resolves.toEqualTypeOf<Channel<Question, Question>>();
expectTypeOf(connect('@app')).resolves.toEqualTypeOf<Channel<unknown, unknown>>();

// @ts-expect-error -- allow must decide at once
listen('@app', { allow: async () => true });
// @ts-expect-error -- a misspelt option
listen('@app', { backlock: 5 });
// @ts-expect-error -- connect has no permissions to set
void connect('@app', { mode: 0o600 });
// @ts-expect-error -- hubs are made by listen()
new Hub();
