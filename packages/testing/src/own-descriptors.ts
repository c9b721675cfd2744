import { spawnSync } from 'node:child_process';

let areOpen = false;

/**
 * Lets Bun and Deno open the descriptors that they keep for themselves, and open when they are first needed: they are no leaks. Bun opens
 * standard output and standard error once more, and a loop and sockets for `spawnSync()`. Deno opens a socket pair with the first
 * signal that is listened for.
 */
export function openOwnDescriptors(): void {
  if (areOpen) return;
  areOpen = true;
  if (process.versions['bun'] !== undefined) {
    process.stdout.write('');
    process.stderr.write('');
    // The second call opens another socket.
    spawnSync('true');
    spawnSync('true');
  }
  if (process.versions['deno'] !== undefined) {
    const listener = () => undefined;
    process.on('SIGUSR2', listener);
    process.off('SIGUSR2', listener);
  }
}
