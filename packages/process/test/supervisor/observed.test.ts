import { Supervisor, type SupervisorEventMessage, type SupervisorMessage } from '@aiopipe/process';
import { leakCheck, observe, until } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';
import { wait } from '../fixtures/waits-for-ever.js';

afterAll(leakCheck());

test('aiopipe:supervisor.* tell of supervisors, nested ones too, and of each event once', async () => {
  using lives = observe<SupervisorMessage>(['aiopipe:supervisor.open', 'aiopipe:supervisor.close']);
  using events = observe<SupervisorEventMessage>(['aiopipe:supervisor.event']);
  const inner = { id: 'inner', type: 'supervisor', children: [{ id: 'leaf', target: wait }] } as const;
  const supervisor = new Supervisor([{ id: 'root', target: wait }, inner]);
  expect(lives.published.map(({ message }) => message.supervisor)).toEqual([supervisor]);
  await supervisor.start();
  expect(lives.events()).toEqual(['supervisor.open', 'supervisor.open']);
  const nested = supervisor.whichChildren()[1]?.supervisor;
  expect(lives.published[1]?.message.supervisor).toBe(nested);
  const leaf = nested?.whichChildren()[0]?.process;
  leaf?.kill('SIGKILL');
  await until('the leaf runs again', () => {
    const [now] = nested?.whichChildren() ?? [];
    return now?.restarts === 1 && now.state === 'running';
  });
  await supervisor.stop();
  const told = events.published.map(({ message: { supervisor: of, event } }) => [of === nested, event.type, event.id]);
  expect(told.slice(0, 5)).toEqual([
    [false, 'started', 'root'],
    [true, 'started', 'leaf'],
    [false, 'started', 'inner'],
    [true, 'exited', 'leaf'],
    [true, 'started', 'leaf'],
  ]);
  expect(events.published[3]?.message.event).toMatchObject({
    reason: 'exit',
    signalCode: 'SIGKILL',
    willRestart: true,
  });
  expect(lives.events()).toEqual(['supervisor.open', 'supervisor.open', 'supervisor.close', 'supervisor.close']);
});
