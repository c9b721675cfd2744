import { callsBirpc } from '../calls/birpc.js';
import { type Calling } from '../calls/calling.js';
import { callsComlink } from '../calls/comlink.js';
import { callsOurs } from '../calls/ours.js';
import { inProcess } from '../harness/laps.js';
import { type Part, type Row } from '../harness/part.js';
import { findPlacements } from '../harness/placement.js';

const MANY = 16;

export const calls: Part = {
  title: 'Calls over a channel',
  prepare() {
    const { placements, notes } = findPlacements();
    const rows = [
      ...placements.map(({ place }) => place(callRow({ outstanding: 1 }, 1))),
      ...placements.map(({ place }) => place(callRow({ outstanding: MANY }, 1.5))),
    ];
    notes.push('comlink calls a thread of its own process; the others call another process');
    return Promise.resolve({ rows, notes });
  },
};

function callRow(spec: Calling, goal: number): Row {
  return {
    name: `add(a, b), ${String(spec.outstanding)} outstanding`,
    measure: { kind: 'rate', unit: 'calls' },
    ours: { name: 'aiopipe', open: () => inProcess(callsOurs, spec) },
    peers: [
      { name: 'comlink, MessagePort', open: () => inProcess(callsComlink, spec), goal },
      { name: 'birpc, process.send', open: () => inProcess(callsBirpc, spec), goal },
    ],
  };
}
