import { asInstalled } from './as-installed.js';

const uses = `
const instrumentation = instrument();
instrumentation[Symbol.dispose]();
console.log('works');
`;

asInstalled({
  name: '@aiopipe/opentelemetry',
  brings: ['@aiopipe/core', '@opentelemetry/api', 'node-gyp-build'],
  budget: 260_000,
  main: `import { instrument } from '@aiopipe/opentelemetry';\n${uses}`,
  commonJs: `const { instrument } = require('@aiopipe/opentelemetry');\n${uses}`,
});
