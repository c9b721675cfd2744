import { asInstalled } from './as-installed.js';

const uses = `
async function main() {
  const { stdout } = await pipeline(['echo', 'WORKS'], ['tr', 'A-Z', 'a-z']).run();
  process.stdout.write(stdout);
}
void main();
`;

asInstalled({
  name: '@aiopipe/subprocess',
  brings: ['@aiopipe/core', 'node-gyp-build'],
  budget: 900_000,
  main: `import { pipeline } from '@aiopipe/subprocess';\n${uses}`,
  commonJs: `const { pipeline } = require('@aiopipe/subprocess');\n${uses}`,
});
