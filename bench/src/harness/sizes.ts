export const KiB = 1024;
export const MiB = 1024 * KiB;

export function formatSize(bytes: number): string {
  if (bytes >= MiB) return `${String(bytes / MiB)} MiB`;
  return bytes >= KiB ? `${String(bytes / KiB)} KiB` : `${String(bytes)} B`;
}
