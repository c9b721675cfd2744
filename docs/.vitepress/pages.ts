/** The packages that the reference has. */
export const packages = ['core', 'codec', 'process', 'subprocess', 'opentelemetry', 'inspector', 'nats'];

/** The pages of the site, in the order of its sidebar. Its tests fail for a page that is missing here. */
export const pages = [
  {
    text: 'Start',
    items: [
      { text: 'Tutorial', link: '/tutorial' },
      { text: 'Choosing: thread, process, pool, queue', link: '/choosing' },
    ],
  },
  {
    text: 'Pipes and messages',
    items: [
      { text: 'Ownership', link: '/ownership' },
      { text: 'Pipes', link: '/pipes' },
      { text: 'Messages', link: '/messages' },
      { text: 'Serialization', link: '/serialization' },
      { text: 'Handles in messages', link: '/handles' },
      { text: 'Shared memory', link: '/shared-memory' },
      { text: 'Calls', link: '/calls' },
      { text: 'Processes that did not start each other', link: '/rendezvous' },
    ],
  },
  {
    text: 'Processes',
    items: [
      { text: 'Processes', link: '/processes' },
      { text: 'How a child ends', link: '/child-end' },
      { text: 'Prefork', link: '/prefork' },
      { text: 'Supervision', link: '/supervision' },
      { text: 'Children that talk to each other', link: '/siblings' },
      { text: 'Pools', link: '/pools' },
      { text: 'The workers of a pool', link: '/pool-workers' },
      { text: 'Many machines', link: '/scale' },
      { text: 'Recipes', link: '/recipes' },
    ],
  },
  {
    text: 'Programs',
    items: [
      { text: 'Programs and chains', link: '/programs' },
      { text: 'Functions in a chain', link: '/chain-functions' },
      { text: 'One program', link: '/popen' },
      { text: 'Terminals', link: '/terminals' },
      { text: 'Limits and sandboxes', link: '/sandbox' },
      { text: 'Shutdown and signals', link: '/shutdown' },
    ],
  },
  {
    text: 'In practice',
    items: [
      { text: 'Observability', link: '/observability' },
      { text: 'Debugging and profiling children', link: '/debugging' },
      { text: 'Testing code that uses aiopipe', link: '/testing' },
      { text: 'TypeScript, bundlers, containers', link: '/packaging' },
      { text: 'Platforms', link: '/platforms' },
      { text: 'Performance', link: '/performance' },
      { text: 'Security', link: '/security' },
      { text: 'FAQ and known limits', link: '/faq' },
    ],
  },
  {
    text: 'Coming from',
    items: [
      { text: 'child_process, cluster, worker_threads', link: '/coming-from/node' },
      { text: 'execa and zx', link: '/coming-from/execa' },
      { text: 'piscina and tinypool', link: '/coming-from/piscina' },
      { text: 'comlink', link: '/coming-from/comlink' },
      { text: 'BullMQ', link: '/coming-from/bullmq' },
      { text: 'Python', link: '/coming-from/python' },
    ],
  },
  {
    text: 'Reference',
    items: [
      ...packages.map((name) => ({
        text: `@aiopipe/${name}`,
        link: `/reference/@aiopipe/${name}/`,
      })),
      { text: 'Guarantees', link: '/guarantees' },
      { text: 'Errors', link: '/errors' },
      { text: 'Glossary', link: '/glossary' },
      { text: 'Protocol', link: '/protocol' },
      { text: 'Wire format', link: '/wire-format' },
    ],
  },
];
