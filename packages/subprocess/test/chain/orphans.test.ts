import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fixtureArgv, isRunning, leakCheck, until } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(leakCheck());

/** The fixture runs in a terminal of its own, as its foreground group; Ctrl-C is typed once all are there. */
const CTRL_C = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
text = b""
while b"\\n" not in text:
    text += os.read(terminal, 1024)
os.write(terminal, b"\\x03")
_, status = os.waitpid(pid, 0)
print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else "exited", text.split(b"\\n")[0].decode())
`;

const pidsOf = (line: string) => line.trim().split(/\s+/).map(Number);

const hasPython = await promisify(execFile)('python3', ['-c', 'import pty']).then(
  () => true,
  () => false,
);

describe('when this process ends with a chain running', () => {
  it.skipIf(!hasPython)('by Ctrl-C, nothing is left, neither programs nor what they have started', async () => {
    const args = ['-c', CTRL_C, ...fixtureArgv('run-for-ever')];
    const [signal, ...pids] = pidsOf((await promisify(execFile)('python3', args)).stdout);
    expect(signal).toBe(2);
    expect(pids).toHaveLength(5);
    await until('all have ended', () => !pids.some(isRunning));
  });

  it('by SIGKILL, nothing is left, neither programs nor what they have started', async () => {
    const killOnceAllAreThere = '"$@" | { read -r own pids; echo "$own $pids"; kill -s KILL "$own"; }';
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      killOnceAllAreThere,
      'sh',
      ...fixtureArgv('run-for-ever'),
    ]);
    const pids = pidsOf(stdout);
    expect(pids).toHaveLength(5);
    await until('all have ended', () => !pids.some(isRunning));
  });
});
