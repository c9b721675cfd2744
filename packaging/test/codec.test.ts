import { asInstalled } from './as-installed.js';

const uses = `
async function main() {
  const [reader, writer] = channel();
  const received = reader.get();
  await writer.put('works');
  console.log(String(await received));
  await writer.close();
  await reader.close();
}
void main();
`;

asInstalled({
  name: '@aiopipe/codec',
  brings: ['@aiopipe/core', 'node-gyp-build'],
  budget: 1_500_000,
  main: `import { channel } from '@aiopipe/codec';\n${uses}`,
  commonJs: `const { channel } = require('@aiopipe/codec');\n${uses}`,
});
