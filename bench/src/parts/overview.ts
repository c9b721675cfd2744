import { type Part, type Row } from '../harness/part.js';

interface Choice {
  readonly part: string;
  /** Its name there, and its name here, where its part is not around it. */
  readonly row: string;
  readonly as: string;
  /** How the names of the peers begin that are shown here. */
  readonly peers: readonly string[];
}

/** One or two rows of what each layer is for, beside what most people use now. Rows in which a peer is faster are among them. */
const choices: readonly Choice[] = [
  {
    part: 'channels',
    row: 'tiny object, one way',
    as: 'tiny objects to another process',
    peers: ['process.send, json', 'worker_threads', 'net.Socket'],
  },
  {
    part: 'channels',
    row: 'tiny object, there and back, on two cores',
    as: 'a tiny object there and back',
    peers: ['process.send, json', 'worker_threads'],
  },
  {
    part: 'channels',
    row: '1 MiB of bytes, one way',
    as: 'messages of 1 MiB of bytes',
    peers: ['process.send, advanced', 'worker_threads', 'net.Socket'],
  },
  {
    part: 'memory',
    row: '64 MiB, there and back',
    as: '64 MiB of shared memory that moves, there and back',
    peers: ['worker_threads'],
  },
  {
    part: 'memory',
    row: '64 MiB, there and back, kept by both sides',
    as: '64 MiB of shared memory that both sides keep, there and back',
    peers: ['worker_threads'],
  },
  { part: 'codec', row: 'tiny object', as: 'encoding and decoding a tiny object', peers: ['msgpackr', 'v8', 'JSON'] },
  {
    part: 'calls',
    row: 'add(a, b), 16 outstanding, on two cores',
    as: 'calls, 16 at once',
    peers: ['comlink', 'birpc'],
  },
  { part: 'processes', row: 'cold start to the first message', as: 'starting a child', peers: ['child_process'] },
  {
    part: 'processes',
    row: 'the same, preforked and preloaded',
    as: 'starting a child, preforked and preloaded',
    peers: ['child_process'],
  },
  {
    part: 'processes',
    row: 'empty tasks, 4 outstanding for each of 2 workers',
    as: 'empty tasks of a pool',
    peers: ['piscina', 'tinypool', 'workerpool'],
  },
  {
    part: 'servers',
    row: 'requests over 32 kept connections; the workers accept',
    as: 'requests to a web server of processes',
    peers: ['node:cluster'],
  },
  {
    part: 'bytes',
    row: 'pipe, 1 MiB, 16 KiB a write',
    as: 'bytes through a pipe, 16 KiB a write',
    peers: ['net.Socket'],
  },
  {
    part: 'chains',
    row: 'zeros through cat | cat | wc -c',
    as: 'bytes through cat | cat | wc',
    peers: ['sh', 'execa', 'zx'],
  },
  { part: 'chains', row: 'true | true until its end is known', as: 'true | true', peers: ['sh', 'execa', 'zx'] },
  {
    part: 'chains',
    row: 'lines().forEach(), of 75 characters',
    as: 'lines of 75 characters',
    peers: ["readline, on('line')"],
  },
];

/** One chart for all layers: rows of the other parts, measured in one run. */
export const overviewOf = (parts: ReadonlyMap<string, Part>): Part => ({
  title: 'aiopipe beside what people use instead',
  async prepare() {
    const rows: Row[] = [];
    const notes = new Set<string>();
    const prepared = new Map<string, Awaited<ReturnType<Part['prepare']>>>();
    for (const { part, row: name, as, peers } of choices) {
      const found = prepared.get(part) ?? (await (parts.get(part) as Part).prepare());
      prepared.set(part, found);
      for (const note of found.notes) notes.add(note);
      const row = found.rows.find((candidate) => candidate.name === name);
      if (row === undefined) {
        notes.add(`${as}: cannot be measured here`);
        continue;
      }
      rows.push({
        ...row,
        name: as,
        peers: row.peers.filter((peer) => peers.some((word) => peer.name.startsWith(word))),
      });
    }
    return { rows, notes: [...notes] };
  },
});
