import { type IncomingMessage } from 'node:http';
import { type ProcessTree } from '../proc/tree.js';
import { watched } from '../watch/watched.js';
import { Answer } from './access.js';

const SIGNALS = ['SIGTERM', 'SIGKILL'] as const;
/** Bytes of a request's body. */
const LONGEST_BODY = 1000;

interface KillOrder {
  readonly pid: number;
  readonly signal: (typeof SIGNALS)[number];
}

/** Ends the process that a request names, if it is one of the tree. Resolves with what came of it. */
export async function kill(request: IncomingMessage, tree: ProcessTree): Promise<Answer> {
  const order = readOrder(await readBody(request));
  if (order === undefined) return new Answer(400, 'Expected {"pid": number, "signal": "SIGTERM" or "SIGKILL"}.');
  const { pid, signal } = order;
  return send(pid, signal, tree)
    ? new Answer(200, `${signal} was sent to process ${String(pid)}.`)
    : new Answer(404, `Process ${String(pid)} is none of this program's, or it has ended.`);
}

function send(pid: number, signal: NodeJS.Signals, tree: ProcessTree): boolean {
  const started = watched.processes.running.get(pid);
  // A process of ours is reaped by us: until then its pid is no other process's.
  if (started !== undefined) return started.process.kill(signal);
  if (!tree.isRunning(pid)) return false;
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function readOrder(body: string | undefined): KillOrder | undefined {
  try {
    const { pid, signal } = JSON.parse(body ?? '') as Partial<KillOrder>;
    if (!Number.isSafeInteger(pid) || !SIGNALS.some((name) => name === signal)) return undefined;
    return { pid, signal } as KillOrder;
  } catch {
    return undefined;
  }
}
