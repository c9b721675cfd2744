import { portPingPong } from '../bytes/message-port.js';
import { netPingPong, netTransfer } from '../bytes/net-socket.js';
import { pingPong, transfer } from '../bytes/ours.js';
import { spawnOurs, spawnTheirs } from '../bytes/spawning.js';
import { type Transfer, type Transport } from '../bytes/transport.js';
import { compile } from '../harness/compile.js';
import { byProgram } from '../harness/by-program.js';
import { inProcess } from '../harness/laps.js';
import { type Part, type Peer, type Row } from '../harness/part.js';
import { findPlacements } from '../harness/placement.js';
import { formatSize, KiB, MiB } from '../harness/sizes.js';

const SIZES = [KiB, 4 * KiB, 16 * KiB, 64 * KiB, MiB, 16 * MiB];
/** The sizes that C also reads into one buffer. */
const INTO_SIZES = [16 * KiB, 64 * KiB, MiB];
const PING_SIZE = 16;
const NO_OP = '/bin/true';

const transports: readonly (Transport & { readonly name: string })[] = [
  { name: 'pipe, 1 MiB', kind: 'pipe', capacity: MiB },
  { name: 'duplex, 1 MiB', kind: 'duplex', capacity: MiB },
  { name: 'pipe, default', kind: 'pipe', capacity: 0 },
  { name: 'duplex, default', kind: 'duplex', capacity: 0 },
];

/** Goals hold for writes of up to 64 KiB, and for pipes of a set capacity. The other rows have no goal. */
const speedGoal = 1.3;
const isJudged = ({ capacity, size }: Transfer) => capacity > 0 && size <= 64 * KiB;
const shareOfC = 0.75;
const isJudgedByC = (spec: Transfer) => isJudged(spec) && spec.size >= 16 * KiB;

export const bytes: Part = {
  title: 'Bytes between two processes, small messages there and back, starting programs',
  async prepare() {
    const program = await compile('transfer');
    const transfers = transports.flatMap(({ name, kind, capacity }) =>
      SIZES.map((size) => transferRow(name, { kind, capacity, size, into: false }, program)),
    );
    const intoBuffers = transports
      .filter(({ capacity }) => capacity > 0)
      .flatMap(({ name, kind, capacity }) =>
        INTO_SIZES.map((size) =>
          transferRow(`${name}, into one buffer`, { kind, capacity, size, into: true }, program),
        ),
      );
    const { placements, notes } = findPlacements();
    const pingPongs = placements.map(({ place }) => place(pingPongRow(program)));
    if (program === undefined) notes.push('there is no C compiler (cc) here: nothing is measured against C');
    return { rows: [...transfers, ...intoBuffers, ...pingPongs, spawnRow], notes };
  },
};

function transferRow(name: string, spec: Transfer, program: string | undefined): Row {
  const { kind, capacity, size } = spec;
  const peers: Peer[] = [
    {
      name: 'net.Socket',
      open: () => inProcess(netTransfer, spec),
      goal: isJudged(spec) ? speedGoal : undefined,
    },
  ];
  if (program !== undefined) {
    peers.push({
      name: 'C',
      open: () => byProgram([program, kind, String(capacity), String(size)]),
      goal: isJudgedByC(spec) ? shareOfC : undefined,
    });
  }
  return {
    name: `${name}, ${formatSize(size)} a write`,
    measure: { kind: 'speed', bytesPerUnit: size },
    ours: { name: 'aiopipe', open: () => inProcess(transfer, spec) },
    peers,
  };
}

function pingPongRow(program: string | undefined): Row {
  const peers: Peer[] = [
    { name: 'net.Socket', open: () => inProcess(netPingPong, PING_SIZE), goal: 1 },
    { name: 'MessagePort', open: () => inProcess(portPingPong, PING_SIZE), goal: 1 },
  ];
  if (program !== undefined) {
    peers.push({ name: 'C', open: () => byProgram([program, 'echo', '0', String(PING_SIZE)]) });
  }
  return {
    name: `${String(PING_SIZE)} bytes there and back`,
    measure: { kind: 'time', unit: 'round trip' },
    ours: { name: 'aiopipe', open: () => inProcess(pingPong, PING_SIZE) },
    peers,
  };
}

const spawnRow: Row = {
  name: `${NO_OP} until its exit is known`,
  measure: { kind: 'time', unit: 'program' },
  ours: { name: 'aiopipe', open: () => inProcess(spawnOurs, NO_OP) },
  peers: [{ name: 'child_process.spawn', open: () => inProcess(spawnTheirs, NO_OP), goal: 0.5 }],
};
