import { spawn } from 'node:child_process';

/** Opens a URL in the user's browser, if there is a desktop. Says nothing if there is none. */
export function openInBrowser(url: string): void {
  const opener = openerOfPlatform();
  if (opener === undefined) return;
  // The browser must outlive this program and must not be one of the processes below it. So a shell starts it, and ends at once.
  spawn('/bin/sh', ['-c', '"$0" "$1" &', opener, url], { stdio: 'ignore', detached: true }).on(
    'error',
    () => undefined,
  );
}

function openerOfPlatform(): string | undefined {
  if (process.platform === 'darwin') return 'open';
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  // Without a desktop, xdg-open starts a browser for terminals, over the output of this program.
  return DISPLAY || WAYLAND_DISPLAY ? 'xdg-open' : undefined;
}
