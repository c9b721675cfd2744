// Asks before it ends a process.
import { find, setText } from './dom.js';

const dialog = /** @type {HTMLDialogElement} */ (find('#kill'));

/** @type {{ pid: number } | undefined} */
let chosen;

/**
 * @param {import('../src/snapshot/types.js').ProcessSnapshot} process
 * @param {string} name
 */
export function askToKill(process, name) {
  chosen = process;
  setText(find('#kill-question'), `End ${name} (pid ${process.pid})?`);
  const target = process.target === undefined ? '' : `It runs ${process.target}. `;
  setText(find('#kill-details'), `${target}Its command: ${process.command}`);
  dialog.showModal();
}

/** @param {'SIGTERM' | 'SIGKILL'} signal */
async function kill(signal) {
  dialog.close();
  if (chosen === undefined) return;
  const { pid } = chosen;
  try {
    const response = await fetch('./kill', { method: 'POST', body: JSON.stringify({ pid, signal }) });
    notice(await response.text());
  } catch {
    notice('The program does not answer.');
  }
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** Shows a line for some seconds. @param {string} text */
function notice(text) {
  setText(find('#notice'), text.trim());
  clearTimeout(timer);
  timer = setTimeout(() => setText(find('#notice'), ''), 6000);
}

find('#kill-no').addEventListener('click', () => dialog.close());
find('#kill-term').addEventListener('click', () => void kill('SIGTERM'));
find('#kill-kill').addEventListener('click', () => void kill('SIGKILL'));
