import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

/**
 * Starts a script for one of the peers, with the descriptors from 3 on, which are closed here. It ends when they do at
 * their other side.
 */
export function startScript(script: URL, fds: readonly number[], args: readonly string[] = []): void {
  spawn(process.execPath, [fileURLToPath(script), ...args], { stdio: ['ignore', 'ignore', 'inherit', ...fds] });
  fds.forEach((fd) => {
    closeSync(fd);
  });
}

export function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('drain', resolve);
  });
}
