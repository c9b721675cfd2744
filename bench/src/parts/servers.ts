import { inProcess } from '../harness/laps.js';
import { type Part, type Row } from '../harness/part.js';
import { serversCluster } from '../servers/cluster.js';
import { serversOurs, type Serving } from '../servers/ours.js';

const WORKERS = 2;
const CLIENTS = 32;

const ways = {
  moved: 'the primary process hands connections on',
  shared: 'the workers accept',
};

export const servers: Part = {
  title: 'Web servers over several processes',
  prepare() {
    const rows = (['moved', 'shared'] as const).flatMap((way): Row[] => {
      const serving = { workers: WORKERS, clients: CLIENTS, way };
      return [
        row('rate', `requests over ${String(CLIENTS)} kept connections`, { ...serving, isKept: true }),
        row('rate', `a connection for each request, ${String(CLIENTS)} at once`, { ...serving, isKept: false }),
        row('time', 'a connection for each request, one at a time', { ...serving, clients: 1, isKept: false }),
      ];
    });
    const notes = [
      `${String(WORKERS)} workers answer a word each; the clients are in another process and take part of the cores`,
    ];
    return Promise.resolve({ rows, notes });
  },
};

function row(kind: 'rate' | 'time', name: string, serving: Serving): Row {
  return {
    name: `${name}; ${ways[serving.way]}`,
    measure: { kind, unit: 'request' },
    ours: { name: `aiopipe, ${serving.way}`, open: () => inProcess(serversOurs, serving) },
    peers: [{ name: 'node:cluster', open: () => inProcess(serversCluster, serving), goal: 1 }],
  };
}
