// A child that calls its sibling, also after the sibling's restart: node examples/sibling-link.mjs
import { expose } from '@aiopipe/codec';
import { connections, connectSibling, isChild, Supervisor, target } from '@aiopipe/process';
import { Link } from './link.mjs';

class Clock {
  pid() {
    return process.pid;
  }
}

export const clock = target(import.meta.url, 'clock', async () => {
  // `closed` rejects if the other child was killed. That is no failure of this child.
  for await (const { channel } of connections()) expose(channel, new Clock()).closed.catch(() => undefined);
});

export const watch = target(import.meta.url, 'watch', async () => {
  /** @type {Link<Clock>} */
  const link = new Link(() => connectSibling('clock', { timeout: 20_000 }));
  const first = await link.call((remote) => remote.pid());
  console.log(`process ${first} answers`);
  process.kill(first, 'SIGKILL'); // as a fault would
  const second = await link.call((remote) => remote.pid());
  console.log(`process ${second} answers`);
  await link.close();
});

if (!isChild()) {
  const supervisor = new Supervisor(
    [
      { id: 'clock', target: clock },
      { id: 'watch', target: watch, restart: 'transient', significant: true },
    ],
    { autoShutdown: 'any_significant' },
  );
  supervisor.on('exited', ({ id, willRestart }) => willRestart && console.log(`${id} is restarted`));
  await supervisor.start();
  await supervisor.finished;
}
