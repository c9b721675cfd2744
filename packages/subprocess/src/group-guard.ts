import { SystemError } from '@aiopipe/core';
import { popen, type Program } from './popen.js';

/**
 * Reads what never comes, until the other side closes: by our end, whatever that was. A SIGTERM of the system reaches
 * only the programs that we started; this one reaches what they have started as well, and is not for the impatient.
 */
const SCRIPT = `
trap '' HUP INT QUIT TERM
read -r nothing
kill -s TERM -- "-$1" || exit
for tenth in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  sleep 0.1
  kill -s 0 -- "-$1" || exit
done
kill -s KILL -- "-$1"
`;

/**
 * Ends a process group if this process ends first, even by Ctrl-C or SIGKILL: SIGTERM, after two seconds SIGKILL. A group
 * of its own, which an abort can end as a whole, is out of Ctrl-C's reach; so a small program waits beside it.
 */
export class GroupGuard {
  readonly #program;

  private constructor(program: Program) {
    this.#program = program;
  }

  /**
   * Undefined on a system that has no shell: then the programs get the signal of the system alone.
   *
   * @param group - the pid of its leader
   */
  static start(group: number): GroupGuard | undefined {
    try {
      return new GroupGuard(
        popen(['/bin/sh', '-c', SCRIPT, 'sh', String(group)], {
          stdin: 'pipe',
          stdout: 'ignore',
          stderr: 'ignore',
          group: 'own',
        }),
      );
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (error.code === 'ENOENT') return undefined;
      throw new SystemError(error.errno, error.syscall, "can't start /bin/sh to guard the chain's process group");
    }
  }

  /** From now on the group lives on as it likes. Resolves when nothing is left of the guard. */
  async close(): Promise<void> {
    this.#program.kill('SIGKILL');
    this.#program.closeEnds();
    await this.#program.wait();
  }
}
