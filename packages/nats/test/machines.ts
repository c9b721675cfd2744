// Machines of a cluster: processes with pools of their own.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { childPids, fixture, isRunning, until } from '@aiopipe/testing';

export class TestMachine {
  readonly child: ChildProcess;
  output = '';

  constructor(env: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, [fixture('serves')], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, SIZE: '2', LEASE: '2000', ...env },
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    // It may be killed while it is told to end.
    this.child.stdin?.on('error', () => undefined);
  }

  get pid(): number {
    return this.child.pid as number;
  }

  async says(word: string, times = 1): Promise<void> {
    await until(`the machine says ${word}`, () => this.output.split(word).length > times);
  }

  /** Kills the machine: this process and its workers, at once. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const workers = childPids(this.pid);
    const exited = once(this.child, 'exit');
    for (const pid of [this.pid, ...workers]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
    await exited;
    await until('its workers are gone', () => !workers.some((pid) => isRunning(pid)));
  }

  /** Tells it to end: it drains. */
  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.stdin?.end();
    await exited;
  }
}
