import { Cluster, type ClusterReader, type Delivered } from '@aiopipe/nats';
import { type Target } from '@aiopipe/process';
import { type NatsConnection } from '@nats-io/transport-node';

declare const nc: NatsConnection;
declare const add: Target<[number, number], number>;
declare const count: Target<[number], AsyncGenerator<string>>;

export async function uses(): Promise<void> {
  await using cluster = await Cluster.open(nc, { name: 'types', replicas: 3, storage: 'file' });
  const writer = cluster.writer<{ id: number }>('jobs', { queueLimit: 10 });
  await writer.put({ id: 1 }, { id: 'a', timeout: 10 });
  // @ts-expect-error -- no message of this channel
  await writer.put({ id: '1' });
  const reader: ClusterReader<{ id: number }> = cluster.reader<{ id: number }>('jobs', { ordered: true });
  const message: Delivered<{ id: number }> = await reader.receive();
  message.nak(10);
  for await (const { id } of reader) id satisfies number;

  const pool = cluster.pool<typeof add>('add', { version: '2', retries: 0 });
  const sum: number = await pool.with({ key: 'a', timeout: 5 }).run(1, 2);
  sum satisfies number;
  // @ts-expect-error -- it takes numbers
  await pool.run('1', 2);
  for await (const each of pool.map([[1, 2]] as [number, number][], { spread: true })) each satisfies number;
  for await (const item of cluster.pool<typeof count>('count').stream(3)) item satisfies string;
  await using machine = await cluster.serve({ add, count }, { size: 2, name: 'm', version: '2', drainTimeout: 5 });
  machine.on('task-left', ({ target, served }) => {
    target satisfies string;
    served satisfies string | undefined;
  });
  // @ts-expect-error -- callers choose it
  await cluster.serve({ add }, { retries: 2 });
}
