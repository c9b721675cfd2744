import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { fixture, leakCheck } from '@aiopipe/testing';
import { afterAll, expect, test } from 'vitest';

afterAll(leakCheck());

/** Starts what is named on the command line with the master of a pseudo-terminal, on which 3000 lines are written. */
const PYTHON = `
import os, pty, subprocess, sys
master, slave = pty.openpty()
reader = subprocess.Popen([*sys.argv[1:], str(master)], pass_fds=[master])
os.close(master)
for i in range(3000): os.write(slave, b'line %05d\\n' % i)
os.close(slave)
sys.exit(reader.wait())`;

const hasPython = spawnSync('python3', ['--version']).status === 0;

test.skipIf(!hasPython).each(['file', 'reader'])(
  'a terminal whose program has ended gives its data, then the end: %s',
  async (how) => {
    const argv = ['-c', PYTHON, process.execPath, fixture('reads-a-terminal-to-its-end'), how];
    const { stdout } = await promisify(execFile)('python3', argv);
    expect(JSON.parse(stdout)).toEqual([3000 * 'line 00000\r\n'.length, ' 02999\r\n', 0]);
  },
);
