import { expectTypeOf } from 'vitest';
import { type Channel } from '@aiopipe/codec';
import { type WriteEnd } from '@aiopipe/core';
import {
  connections,
  connectSibling,
  Supervisor,
  type AnyChildSpec,
  type ProcessHandle,
  type ChildSpec,
  type NestedSupervisor,
  type SupervisorEvent,
  type SupervisorSpec,
} from '@aiopipe/process';
import { greet, idle, read, rest, square } from './targets.js';

declare const tx: WriteEnd;
declare const makeEnd: () => WriteEnd;
declare const any: AnyChildSpec;

// Each specification is checked against its own target, at any depth.
const supervisor = new Supervisor(
  [
    { id: 'none', target: idle },
    { id: 'list', target: square, args: [1], restart: 'transient' },
    { id: 'function', target: greet, args: () => [makeEnd(), 'you'], ready: { timeout: 100 } },
    {
      id: 'block',
      target: greet,
      args: () => {
        const end = makeEnd();
        return [end, 'me'];
      },
    },
    { id: 'rest', target: rest, args: ['a', 'b'] },
    { id: 'parts', type: 'partitioned', partitions: 2, target: square, args: (index) => [index] },
    {
      id: 'tree',
      type: 'supervisor',
      strategy: 'one_for_all',
      children: [
        { id: 'inner', target: greet, args: [tx, 'you'] },
        { id: 'deeper', type: 'supervisor', children: [{ id: 'leaf', target: square, args: () => [1] }] },
      ],
    },
  ],
  { intensity: 2, autoShutdown: 'any_significant' },
);
expectTypeOf(supervisor).toExtend<Supervisor>();
expectTypeOf(supervisor).toExtend<NestedSupervisor>();
expectTypeOf(supervisor.start()).resolves.toExtend<Supervisor>();

// Lists that are made elsewhere.
new Supervisor([]);
new Supervisor(['a', 'b'].map((id): ChildSpec<[number]> => ({ id, target: square, args: [1] })));
new Supervisor(['a', 'b'].map((id) => ({ id, target: square, args: [1] }) satisfies ChildSpec<[number]>));
new Supervisor([any, { id: 'a', target: square, args: [1] }]);
declare const specs: readonly AnyChildSpec[];
new Supervisor(specs);
new Supervisor([{ id: 'tree', type: 'supervisor', children: specs }]);
declare const pair: SupervisorSpec;
new Supervisor([pair]);

expectTypeOf(supervisor.startChild({ id: 'a', target: square, args: [1] })).toEqualTypeOf<Promise<ProcessHandle>>();
expectTypeOf(supervisor.startChild({ id: 'a', type: 'supervisor', children: [] })).toEqualTypeOf<
  Promise<NestedSupervisor>
>();
for await (const event of supervisor.events()) {
  expectTypeOf(event).toEqualTypeOf<SupervisorEvent>();
  if (event.type === 'exited') expectTypeOf(event.willRestart).toBeBoolean();
}
supervisor.on('gave-up', ({ error }) => {
  expectTypeOf(error).toEqualTypeOf<Error>();
});

// @ts-expect-error -- args are missing
new Supervisor([{ id: 'a', target: square }]);
// @ts-expect-error -- a wrong type
new Supervisor([{ id: 'a', target: square, args: ['1'] }]);
// @ts-expect-error -- a wrong type of the second alone
new Supervisor([{ id: 'a', target: square, args: [1] }, { id: 'b', target: square, args: ['1'] }]); // prettier-ignore
// @ts-expect-error -- too many
new Supervisor([{ id: 'a', target: square, args: [1, 2] }]);
// @ts-expect-error -- a function that returns a wrong type
new Supervisor([{ id: 'a', target: square, args: () => ['1'] }]);
// @ts-expect-error -- a function that returns too few
new Supervisor([{ id: 'a', target: greet, args: () => [tx] }]);
// @ts-expect-error -- not among the literals
new Supervisor([{ id: 'a', target: greet, args: () => [tx, 'them'] }]);
// @ts-expect-error -- the other end
new Supervisor([{ id: 'a', target: read, args: [tx] }]);
// @ts-expect-error -- it takes none
new Supervisor([{ id: 'a', target: idle, args: [1] }]);
// @ts-expect-error -- a wrong type further down
new Supervisor([{ id: 't', type: 'supervisor', children: [{ id: 'a', target: square, args: ['1'] }] }]);
// @ts-expect-error -- args are missing further down
new Supervisor([{ id: 't', type: 'supervisor', children: [{ id: 'a', target: square }] }]);
// @ts-expect-error -- a misspelt field
new Supervisor([{ id: 'a', target: square, args: [1], restrat: 'transient' }]);
// @ts-expect-error -- no such restart
new Supervisor([{ id: 'a', target: idle, restart: 'always' }]);
// @ts-expect-error -- no such strategy
new Supervisor([], { strategy: 'one_for_two' });
// @ts-expect-error -- no target
new Supervisor([{ id: 'a' }]);
// @ts-expect-error -- a bare function
new Supervisor([{ id: 'a', target: () => 1 }]);
// @ts-expect-error -- args are missing
void supervisor.startChild({ id: 'a', target: square });
// @ts-expect-error -- a wrong type
void supervisor.startChild({ id: 'a', target: square, args: ['1'] });
// @ts-expect-error -- args are missing
void ({ id: 'a', target: square } satisfies ChildSpec<[number]>);

new Supervisor([
  // @ts-expect-error -- a wrong argument of a partition
  { id: 'parts', type: 'partitioned', partitions: 2, target: square, args: (index) => [String(index)] },
]);

// The messages of channels between siblings.
expectTypeOf(supervisor.connect<string, number>('list', { timeout: 1, key: 'a' })).resolves.toEqualTypeOf<
  Channel<string, number>
>();
expectTypeOf(connectSibling<string>('list')).resolves.toEqualTypeOf<Channel<string, string>>();
for await (const { channel, from } of connections<string, number>({ signal: AbortSignal.abort() })) {
  expectTypeOf(channel).toEqualTypeOf<Channel<string, number>>();
  expectTypeOf(from).toEqualTypeOf<string | undefined>();
}
// @ts-expect-error -- there is no such option
void connectSibling('list', { timout: 1 });
