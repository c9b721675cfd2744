// A part of what the binding does, small enough for valgrind: pipes, sockets, descriptors that travel, shared memory, a guarded program
// with limits.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { aioduplex, aiopipe, sharedMemory, SharedMemory } from '../../packages/core/dist/index.js';
import { acceptLocal, connectLocal, listenLocal, localName, native, spawn } from '../../packages/core/dist/internal.js';

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

const memory = sharedMemory(10_000);
memory.bytes.fill(1);
const readable = memory.share({ readOnly: true });
if (readable.bytes[9999] !== 1 || !readable.readOnly) process.exit(5);
memory.close();
const adopted = SharedMemory.fromFd(readable.release());
if (adopted.bytes[0] !== 1) process.exit(6);
adopted.close();

const directory = mkdtempSync(join(tmpdir(), 'aiopipe-valgrind-'));
const name = localName(join(directory, 'hub'));
const listening = listenLocal(name, 0o600, 5);
const connected = connectLocal(name, 65_536);
const { fd, peer } = acceptLocal(listening.fd, 65_536);
if (peer.pid !== process.pid) process.exit(7);
listening.removePath();
for (const open of [listening.fd, connected, fd]) native().close(open);
rmSync(directory, { recursive: true });

const program = spawn({
  file: '/bin/sh',
  argv: ['sh', '-c', 'exit 7'],
  fds: new Map(),
  group: 'own',
  guard: { kind: 'chain', killAfter: 0 },
  limits: { coreSize: 0, umask: 0o77, noNewPrivileges: true },
});
if ((await program.exited).exitCode !== 7) process.exit(4);
