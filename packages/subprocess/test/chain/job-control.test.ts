import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fixture, leakCheck } from '@aiopipe/testing';
import { afterAll, describe, expect, it } from 'vitest';

afterAll(leakCheck());

/**
 * On a terminal of its own, as its foreground group: types `q` when the program says `paging`, Ctrl-Z when it says `pids`. It
 * is the program's shell: sees it stop, and prints in which state each of the pids was, before and after.
 */
const SHELL = `
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    # The program in a group of its own in the foreground, as a shell does.
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        import signal
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execv(sys.argv[1], sys.argv[1:])
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status): break
        os.write(1, b"stopped by %d\\n" % os.WSTOPSIG(status))
    os._exit(0)
def state(pid):
    try: return open("/proc/%s/stat" % pid).read().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError: return "gone"
def states_are(pids, wanted):
    end = time.time() + 10
    while time.time() < end:
        if all(state(pid) in wanted for pid in pids): return "yes"
        time.sleep(0.01)
    return "no: " + ",".join(state(pid) for pid in pids)
text, pids, seen = b"", [], []
while True:
    try: more = os.read(terminal, 1024)
    except OSError: break
    if not more: break
    text += more
    while b"\\n" in text:
        line, text = text.split(b"\\n", 1)
        line = line.decode().strip().replace("^Z", "")
        seen.append(line)
        if line == "paging": os.write(terminal, b"q\\n")
        if line.startswith("pids "):
            pids = line.split()[1:]
            seen.pop()
            os.write(terminal, b"\\x1a")
        if line.startswith("stopped by"):
            seen.append("all stopped: " + states_are(pids, "Tt"))
            os.killpg(int(pids[0]), 18)
            seen.append("all go on: " + states_are(pids, "SR"))
            os.write(terminal, b"\\x03")
os.waitpid(pid, 0)
print("\\n".join(seen))
print("all gone: " + states_are(pids, ["gone", "Z"]))
`;

const onTerminal = async (name: string, ...args: string[]) =>
  (await promisify(execFile)('python3', ['-c', SHELL, process.execPath, fixture(name), ...args])).stdout.split(/\r?\n/);

const hasPython = await promisify(execFile)('python3', ['-c', 'import pty']).then(
  () => true,
  () => false,
);

describe.skipIf(!hasPython)('on a terminal', () => {
  it.each(['output', 'stderr', 'stdin'])(
    'a pager reads its keys if the chain inherits the terminal as %s',
    async (how) => {
      const lines = await onTerminal('pages', how);
      expect(lines).toContain('key q');
      expect(lines).toContain('over');
    },
  );

  it('Ctrl-Z stops a chain and us, and both go on together', async () => {
    const lines = await onTerminal('stops-with-us');
    expect(lines.filter((line) => /stopped|go on|gone/.test(line))).toEqual([
      'stopped by 20',
      'all stopped: yes',
      'all go on: yes',
      'all gone: yes',
    ]);
  });
});
