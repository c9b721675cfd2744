// A chat of unrelated processes: node examples/chat.mjs PATH NAME
// The first process at the path is the hub. If it ends, another one takes its place, and the others connect again.
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, listen } from '@aiopipe/codec';

const [path, name] = process.argv.slice(2);
if (path === undefined || name === undefined) {
  console.error('usage: node examples/chat.mjs PATH NAME');
  process.exit(2);
}

/**
 * Sends a line: to the hub, or to all members, if this process is the hub. While there is no hub, a line is lost.
 *
 * @type {(line: string) => void}
 */
let say = () => undefined;

/** @param {import('@aiopipe/codec').Hub<string>} hub */
async function beHub(hub) {
  /** @type {Set<import('@aiopipe/codec').Channel<string>>} */
  const members = new Set();
  say = (line) => {
    console.log(line);
    // A member that does not read misses lines; the others do not wait for it.
    for (const member of members) member.put(line).catch(() => undefined);
  };
  console.log(`* ${name} is the hub`);
  for await (const { channel, peer } of hub) {
    members.add(channel);
    say(`* process ${peer.pid} joined`);
    void (async () => {
      try {
        for await (const line of channel) say(line);
      } catch {
        // The member was killed within a line, or sent bytes that are no message.
      }
      channel[Symbol.dispose]();
      members.delete(channel);
      say(`* process ${peer.pid} left`);
    })();
  }
}

/** @param {import('@aiopipe/codec').Channel<string>} channel */
async function beMember(channel) {
  say = (line) => channel.put(line).catch(() => undefined);
  try {
    for await (const line of channel) console.log(line);
  } catch {
    // The hub was killed within a line.
  }
  channel[Symbol.dispose]();
}

/** @param {string} at */
async function join(at) {
  for (;;) {
    try {
      return await beMember(await connect(at, { timeout: 5000 }));
    } catch (error) {
      const { code } = /** @type {{ code?: string }} */ (error);
      if (code !== 'ENOENT' && code !== 'ECONNREFUSED') throw error;
    }
    // No process listens. If several processes find that at once, exactly one of them gets the path.
    try {
      return await beHub(listen(at));
    } catch (error) {
      if (/** @type {{ code?: string }} */ (error).code !== 'EADDRINUSE') throw error;
    }
    await pause(10);
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => say(`${name}: ${line}`))
  .on('close', () => process.exit());

for (;;) await join(path);
