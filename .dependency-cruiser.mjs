// The house: the folders of each package, in the order in which they may know each other. A folder imports folders to its
// left only. `npm test` checks it, and that no file takes part in a cycle of imports, of types neither.
const house = {
  core: ['errors', 'check', 'wait', 'observe', 'fd', 'move', 'stream', 'end', 'file', 'memory', 'program'],
  codec: ['errors', 'serializer', 'frame', 'moving', 'channel', 'rendezvous', 'rpc'],
  process: [
    'errors',
    'failure',
    'wait',
    'target',
    'control',
    'sibling',
    'orphan',
    'start',
    'child',
    'events',
    'supervisor',
    'worker',
    'pool',
  ],
  subprocess: ['terminal', 'program', 'io', 'chain', 'async-pipe'],
  nats: ['errors', 'names', 'engine', 'message', 'channel', 'task', 'pool', 'serve', 'cluster'],
  opentelemetry: ['scope', 'subscribe', 'error-type', 'context', 'spans', 'metrics', 'flush', 'instrument', 'register'],
  inspector: ['fault', 'proc', 'log', 'watch', 'snapshot', 'server', 'preloaded'],
};

/** A folder, or a file of that name. */
const inside = (name, folders) => `^packages/${name}/src/(${folders.join('|')})(/|[.]ts$)`;

const order = Object.entries(house).flatMap(([name, folders]) =>
  folders.slice(0, -1).map((folder, index) => ({
    name: `${name}/${folder}-comes-before`,
    comment: `src/${folder} of ${name} must not import ${folders.slice(index + 1).join(', ')}.`,
    severity: 'error',
    from: { path: inside(name, [folder]) },
    to: { path: inside(name, folders.slice(index + 1)) },
  })),
);

const rooms = Object.entries(house).map(([name, folders]) => ({
  name: `${name}/no-such-folder`,
  comment: `A new folder or file of ${name}/src must get its place in .dependency-cruiser.mjs and CONTRIBUTING.md.`,
  severity: 'error',
  from: {},
  to: {
    path: `^packages/${name}/src/`,
    pathNot: [inside(name, folders), `^packages/${name}/src/(index|internal)[.]ts$`],
  },
}));

export default {
  forbidden: [
    ...order,
    ...rooms,
    {
      name: 'no-orphan',
      comment: 'Nothing imports this file, and it imports nothing.',
      severity: 'error',
      from: { orphan: true },
      to: {},
    },
    {
      name: 'no-cycle',
      comment: 'Two files that need each other, also if only for their types, are one idea or three.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'entries-are-for-users',
      comment: 'Within a package, import the file that has the name, not index.ts.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: '/internal[.]ts$' },
      to: { path: '^packages/[^/]+/src/(index|internal)[.]ts$' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
  },
};
