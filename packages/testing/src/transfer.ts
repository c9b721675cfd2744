/**
 * Sends the memory that `bytes` lie in to another thread, as far as it lets itself be sent: of what may not leave, Node 20
 * sends a copy, and later ones refuse.
 */
export function transferAway({ buffer }: Uint8Array): void {
  try {
    structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
  } catch (error) {
    if ((error as Error).name !== 'DataCloneError') throw error;
  }
}
