import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { fixture, leakCheck, PROGRAM_LIMIT } from '@aiopipe/testing';

afterAll(leakCheck());

/** The fixture on a terminal of its own, in the foreground; types a line when it is asked to. */
const ON_TERMINAL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
text, typed = b"", False
while True:
    try: more = os.read(terminal, 1024)
    except OSError: break
    text += more
    if b"type\\r\\n" in text and not typed:
        typed = True
        os.write(terminal, b"typed\\n")
os.waitpid(pid, 0)
print(text.decode())
`;

const hasPython = await promisify(execFile)('python3', ['-c', 'import pty']).then(
  () => true,
  () => false,
);

test.skipIf(!hasPython)('a child that inherits a terminal as its stdin can read it', async () => {
  const { stdout } = await promisify(execFile)(
    'python3',
    ['-c', ON_TERMINAL, process.execPath, fixture('child-reads-terminal')],
    { timeout: PROGRAM_LIMIT },
  );
  expect(stdout).toContain('read: typed');
});
