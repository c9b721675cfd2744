import { asInstalled } from './as-installed.js';

const uses = `
const error = new ClusterError('ERR_AIOPIPE_CLUSTER', 'refused');
console.log(typeof Cluster.open === 'function' && error.code === 'ERR_AIOPIPE_CLUSTER' ? 'works' : error);
`;

asInstalled({
  name: '@aiopipe/nats',
  brings: [
    '@aiopipe/codec',
    '@aiopipe/core',
    '@aiopipe/process',
    '@nats-io/jetstream',
    '@nats-io/nats-core',
    '@nats-io/nkeys',
    '@nats-io/nuid',
    '@nats-io/obj',
    '@nats-io/transport-node',
    'js-sha256',
    'node-gyp-build',
    'tweetnacl',
  ],
  budget: 700_000,
  main: `import { Cluster, ClusterError } from '@aiopipe/nats';\n${uses}`,
  commonJs: `const { Cluster, ClusterError } = require('@aiopipe/nats');\n${uses}`,
});
