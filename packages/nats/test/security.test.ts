import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from '@aiopipe/nats';
import { errorOf, findProgram, leakCheck, NatsServer, natsServer } from '@aiopipe/testing';
import { connect } from '@nats-io/transport-node';
import { afterAll, describe, expect, it } from 'vitest';
import { add } from './fixtures/targets.js';

afterAll(leakCheck());

const USERS = `
authorization {
  users = [
    { user: owner, password: o }
    { user: putter, password: p, permissions: {
      publish: ["$JS.API.INFO", "$JS.API.STREAM.INFO.>", "$JS.API.STREAM.NAMES", "aiopipe.shop.queue.jobs"]
      subscribe: ["_INBOX.>"]
    } }
  ]
}
`;

describe.skipIf(natsServer === undefined)('a server with accounts', () => {
  it('lets a user put who may put, and do nothing else', async () => {
    await using server = await new NatsServer(USERS).start();
    const owner = await connect({ servers: server.url, user: 'owner', pass: 'o' });
    const putter = await connect({ servers: server.url, user: 'putter', pass: 'p' });
    {
      await using own = await Cluster.open(owner, { name: 'shop' });
      const reader = own.reader('jobs');
      await reader.ready;
      await using theirs = await Cluster.open(putter, { name: 'shop' });
      await theirs.writer('jobs').put('order');
      expect(await reader.get()).toBe('order');
      expect(await errorOf(theirs.pool('secret').run())).toMatchObject({ code: 'ERR_AIOPIPE_CLUSTER' });
      expect(await errorOf(theirs.reader('jobs').get())).toMatchObject({ code: 'ERR_AIOPIPE_CLUSTER' });
    }
    await owner.close();
    await putter.close();
  });

  it('refuses a user that it does not know', async () => {
    await using server = await new NatsServer(USERS).start();
    await expect(connect({ servers: server.url, user: 'owner', pass: 'x' })).rejects.toThrow(/Authorization/);
  });
});

const openssl = findProgram('openssl');

describe.skipIf(natsServer === undefined || openssl === undefined)('a server that wants TLS and credentials', () => {
  /** A certificate for this computer that has signed itself, made by openssl. */
  function certificate() {
    const folder = mkdtempSync(join(tmpdir(), 'aiopipe-nats-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const names = ['-subj', '/CN=aiopipe', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const kind = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
    execFileSync(openssl as string, ['req', ...kind, '-keyout', key, '-out', cert, ...names], { stdio: 'ignore' });
    return { key, cert, [Symbol.dispose]: () => void rmSync(folder, { recursive: true }) };
  }

  it('runs tasks and passes messages over TLS, and refuses who lacks either', async () => {
    using files = certificate();
    await using server = await new NatsServer(`
      tls { cert_file: ${JSON.stringify(files.cert)}, key_file: ${JSON.stringify(files.key)} }
      authorization { user: shop, password: "s" }
    `).start();
    const ca = readFileSync(files.cert, 'utf8');
    const servers = server.url;
    const nc = await connect({ servers, tls: { ca }, user: 'shop', pass: 's' });
    {
      await using cluster = await Cluster.open(nc, { name: 'shop' });
      await using _ = await cluster.serve({ add }, { size: 1 });
      expect(await cluster.pool<typeof add>('add').run(1, 2)).toBe(3);
      await cluster.writer('orders').put('order');
      expect(await cluster.reader('orders').get()).toBe('order');
    }
    await nc.close();
    await expect(connect({ servers, tls: { ca }, user: 'shop', pass: 'x' })).rejects.toThrow(/Authorization/);
    // The client refuses a certificate if it does not know the authority that has signed it.
    const stranger = { servers, tls: {}, user: 'shop', pass: 's', reconnect: false };
    await expect(connect(stranger)).rejects.toThrow(/self-signed certificate/);
  });
});
