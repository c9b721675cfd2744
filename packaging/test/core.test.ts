import { asInstalled, builtFromSource } from './as-installed.js';

const uses = `
async function main() {
  const [rx, tx] = aiopipe();
  const writer = tx.open();
  const reader = rx.open();
  await writer.write('works\\n');
  await writer.close();
  process.stdout.write(await reader.read());
  await reader.close();
}
void main();
`;

asInstalled({
  name: '@aiopipe/core',
  brings: ['node-gyp-build'],
  budget: 1_350_000,
  main: `import { aiopipe } from '@aiopipe/core';\n${uses}`,
  commonJs: `const { aiopipe } = require('@aiopipe/core');\n${uses}`,
});

builtFromSource();
