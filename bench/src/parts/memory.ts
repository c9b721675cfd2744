import { contestants } from '../channels/sides.js';
import { inProcess } from '../harness/laps.js';
import { type Part, type Peer, type Row } from '../harness/part.js';
import { formatSize, MiB } from '../harness/sizes.js';
import { ring, type Frames } from '../memory/ours.js';
import { transfer } from '../memory/transfer.js';

const LARGE = [MiB, 16 * MiB, 64 * MiB];
/** Messages with memory until V8 has compiled all that they take. */
const WARM_UP = 10_000;

export const memory: Part = {
  title: 'Shared memory between two processes',
  prepare() {
    const frames = { size: MiB, segments: 4 };
    return Promise.resolve({
      rows: [
        ...LARGE.map(thereAndBack),
        keptRow(64 * MiB),
        ...[false, true].flatMap((copied) => [
          ringRow({ ...frames, way: 'shared', copied }),
          ringRow({ ...frames, way: 'moved', copied }),
        ]),
      ],
      notes: [
        'what moves is ready: each side reads or writes one byte of it',
        'from 64 MiB on, V8 collects garbage when memory arrives, for its limit of memory outside of the heap is reached; so it does with a transferred ArrayBuffer of more than 64 MiB',
        'shared: both sides keep the segments, and messages say whose turn one is; moved: each message takes a segment along',
        'copied in and out: the producer copies each frame into the memory, the consumer out of it; a channel copies by itself',
      ],
    });
  },
};

function thereAndBack(size: number): Row {
  const spec: Frames = { size, segments: 1, way: 'moved', copied: false };
  const peers: Peer[] = [
    {
      name: 'aiopipe, the bytes in a message',
      open: () => contestants.aiopipe({ shape: 'bytes', size, channels: 1, way: 'there and back' }),
      goal: size === 64 * MiB ? 1 / 50 : undefined,
    },
    transferred(spec),
  ];
  return {
    name: `${formatSize(size)}, there and back`,
    measure: { kind: 'time', unit: 'round trip' },
    ...(size < 64 * MiB && { warmUp: WARM_UP }),
    ours: { name: 'aiopipe, shared memory', open: () => inProcess(ring, spec) },
    peers,
  };
}

const transferred = (spec: Frames): Peer => ({
  name: 'worker_threads, ArrayBuffer transferred',
  open: () => inProcess(transfer, spec),
  goal: 3,
});

/** Both sides keep the memory: a message says whose turn it is. */
function keptRow(size: number): Row {
  const spec: Frames = { size, segments: 1, way: 'shared', copied: false };
  return {
    name: `${formatSize(size)}, there and back, kept by both sides`,
    measure: { kind: 'time', unit: 'round trip' },
    ours: { name: 'aiopipe, shared memory', open: () => inProcess(ring, spec) },
    peers: [transferred(spec)],
  };
}

function ringRow(spec: Frames): Row {
  const { size, segments, way, copied } = spec;
  const content = copied ? 'copied in and out' : 'as they are';
  return {
    name: `frames of ${formatSize(size)} in a ring of ${String(segments)}, ${way}, ${content}`,
    measure: { kind: 'speed', bytesPerUnit: size },
    warmUp: WARM_UP,
    ours: { name: 'aiopipe, shared memory', open: () => inProcess(ring, spec) },
    peers: [
      {
        name: 'aiopipe, the bytes in messages',
        open: () => contestants.aiopipe({ shape: 'bytes', size, channels: 1, way: 'out' }),
        goal: 3,
      },
    ],
  };
}
