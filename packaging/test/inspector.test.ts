import { asInstalled } from './as-installed.js';

const uses = `
const { channels } = snapshot();
if (channels.length === 0) console.log('works');
`;

asInstalled({
  name: '@aiopipe/inspector',
  brings: [],
  budget: 450_000,
  main: `import { snapshot } from '@aiopipe/inspector';\n${uses}`,
  commonJs: `const { snapshot } = require('@aiopipe/inspector');\n${uses}`,
});
