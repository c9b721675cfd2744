import { asInstalled } from './as-installed.js';

const uses = (url: string) => `
const speak = target(${url}, 'speak', async (word = 'silence') => word);

async function main() {
  const child = startProcess(speak, { args: ['works'] });
  console.log(await child.result);
  await child.join();
}
if (!isChild()) void main();
`;

asInstalled({
  name: '@aiopipe/process',
  brings: ['@aiopipe/codec', '@aiopipe/core', 'node-gyp-build'],
  budget: 1_500_000,
  main: `import { isChild, startProcess, target } from '@aiopipe/process';\n${uses('import.meta.url')}`,
  commonJs:
    `const { pathToFileURL } = require('node:url');\n` +
    `const { isChild, startProcess, target } = require('@aiopipe/process');\n${uses('pathToFileURL(__filename).href')}`,
});
