// A part of what the binding does, small enough for valgrind: pipes, sockets, descriptors that travel, a guarded program.
import process from 'node:process';
import { aioduplex, aiopipe } from '../../packages/core/dist/index.js';
import { native, spawn } from '../../packages/core/dist/internal.js';

const [rx, tx] = aiopipe();
const [one, other] = aioduplex();
const bytes = Buffer.from('with them');
native().writeParts(one.fd, [bytes, bytes], 0, true, Int32Array.of(rx.fd));
const passed = new Int32Array(254);
if (native().receive(other.fd, Buffer.alloc(100), 0, 100, passed) !== 18 || passed[0] !== 1) process.exit(2);
native().close(passed[1]);

const [reader, writer] = [rx.open(), tx.open()];
await writer.write('a line\n');
if ((await reader.readLine()).toString() !== 'a line\n') process.exit(3);
await writer.close();
reader.close();
for (const end of [one, other]) end.close();

const program = spawn({
  file: '/bin/sh',
  argv: ['sh', '-c', 'exit 7'],
  fds: new Map(),
  group: 'own',
  guard: { kind: 'chain', killAfter: 0 },
});
if ((await program.exited).exitCode !== 7) process.exit(4);
