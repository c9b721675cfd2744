import { fileURLToPath } from 'node:url';
import { byProgram } from '../harness/by-program.js';
import { inProcess, type Gauge } from '../harness/laps.js';
import { type Runner } from '../harness/part.js';
import { type Exchange } from './exchange.js';
import { netExchange } from './net-socket.js';
import { exchange } from './ours.js';
import { sendExchange } from './process-send.js';
import { portExchange } from './worker.js';

/** Everyone who can take part in an exchange from a process of its own, by name. */
export const contestants: Record<ContestantName, (spec: Exchange, gauge?: Gauge) => Runner> = {
  aiopipe: (spec, gauge) => inProcess(exchange, spec, gauge),
  'process.send, json': (spec, gauge) => inProcess(sendExchange, { ...spec, serialization: 'json' }, gauge),
  'process.send, advanced': (spec, gauge) => inProcess(sendExchange, { ...spec, serialization: 'advanced' }, gauge),
  'worker_threads postMessage': (spec, gauge) => inProcess(portExchange, spec, gauge),
  'net.Socket, msgpackr': (spec, gauge) => inProcess(netExchange, spec, gauge),
  'net.Socket, same frames': (spec, gauge) => inProcess(netExchange, spec, gauge),
};

export type ContestantName =
  | 'aiopipe'
  | 'process.send, json'
  | 'process.send, advanced'
  | 'worker_threads postMessage'
  | 'net.Socket, msgpackr'
  | 'net.Socket, same frames';

/** Python's `multiprocessing.Pipe`. */
export function pythonExchange(python: string, spec: Exchange): Runner {
  const script = fileURLToPath(new URL('../../python/exchange.py', import.meta.url));
  return byProgram([python, script, JSON.stringify(spec)]);
}
