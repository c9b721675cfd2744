/** The part of node-pty that is measured. Its own types are missing where it could not be installed, and know only text. */
export interface NodePty {
  spawn(file: string, args: readonly string[], options: { cols: number; rows: number; encoding: null }): Terminal;
}

interface Terminal {
  onData(listener: (chunk: Buffer) => void): void;
  onExit(listener: (exit: unknown) => void): void;
  pause(): void;
  resume(): void;
}

/** An optional dependency: it is compiled when it is installed, which needs a C++ compiler. */
const NAME: string = 'node-pty';

export async function loadNodePty(): Promise<NodePty> {
  return (await import(NAME)) as NodePty;
}
