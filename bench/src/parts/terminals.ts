import { inProcess } from '../harness/laps.js';
import { type Part, type Peer, type Row } from '../harness/part.js';
import { loadNodePty } from '../terminals/node-pty.js';
import { show, UNIT } from '../terminals/showing.js';
import { startTerminal } from '../terminals/starting.js';

const NAME = 'node-pty';

function rows(hasNodePty: boolean): Row[] {
  const peers = (peer: Peer) => (hasNodePty ? [peer] : []);
  return [
    {
      name: 'zeros of cat on a terminal',
      measure: { kind: 'speed', bytesPerUnit: UNIT },
      ours: { name: 'aiopipe', open: () => inProcess(show, 'ours') },
      peers: peers({ name: NAME, open: () => inProcess(show, 'nodePty'), goal: 1 }),
    },
    {
      name: 'true on a terminal until its end is known',
      measure: { kind: 'time', unit: 'program' },
      ours: { name: 'aiopipe', open: () => inProcess(startTerminal, 'ours') },
      peers: peers({ name: NAME, open: () => inProcess(startTerminal, 'nodePty'), goal: 1 }),
    },
  ];
}

export const terminals: Part = {
  title: 'Programs with a terminal: bytes that they show, their start',
  async prepare() {
    const hasNodePty = await loadNodePty().then(
      () => true,
      () => false,
    );
    return { rows: rows(hasNodePty), notes: hasNodePty ? [] : ['node-pty could not be built here: it is left out'] };
  },
};
