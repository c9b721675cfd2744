import cluster from 'node:cluster';
import { createServer } from 'node:http';

if (cluster.isPrimary) {
  const workers = Array.from({ length: Number(process.argv[2]) }, () => cluster.fork());
  let listening = 0;
  cluster.on('listening', (_, address) => {
    if (++listening === workers.length) process.send?.(address.port);
  });
  process.once('disconnect', () => {
    for (const worker of workers) worker.kill('SIGKILL');
  });
} else {
  const server = createServer((_, response) => response.end('hello'));
  server.listen(0, '127.0.0.1');
}
