import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { listen, type Hub } from '@aiopipe/codec';
import { fixture } from '@aiopipe/testing';
import { afterAll } from 'vitest';

/** A folder for the sockets of a test file, which any user can enter. */
export function socketFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rendezvous-'));
  chmodSync(folder, 0o755);
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** Leaves the file of a socket that no process has any more. */
export function leaveStale(path: string): void {
  const hub = listen(`${path}-old`);
  renameSync(`${path}-old`, path);
  hub.close();
}

/** Answers each message of each client with it, until the hub is closed. */
export async function echo(hub: Hub): Promise<void> {
  const talks: Promise<void>[] = [];
  for await (const { channel } of hub) {
    talks.push(
      (async () => {
        for await (const message of channel) await channel.put(message);
        channel.close();
      })(),
    );
  }
  await Promise.all(talks);
}

/** A fixture that runs in a process of its own. */
export interface Program {
  readonly pid: number;
  /** Resolves when it has printed something. */
  readonly started: Promise<unknown>;
  /** The next line that it prints; undefined at the end. */
  line(): Promise<string | undefined>;
  /** Gives it a line of input. */
  go(): void;
  /** Ends its input. */
  endInput(): void;
  kill(signal: NodeJS.Signals): void;
  /** How it ended: code and signal. */
  readonly ended: Promise<unknown[]>;
}

export function start(name: string, ...args: string[]): Program {
  const child = spawn(process.execPath, [fixture(name), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  child.stdin.on('error', () => undefined); // it was killed
  return {
    pid: child.pid as number,
    started: once(child.stdout, 'data'),
    line: async () => ((await lines.next()) as IteratorResult<string, undefined>).value,
    go: () => child.stdin.write('go\n'),
    endInput: () => child.stdin.end(),
    kill: (signal) => child.kill(signal),
    ended: once(child, 'close'),
  };
}
