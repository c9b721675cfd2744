// Fills `repository`, `homepage` and `bugs` of every package from the root's `repository`, so that the address stands in one place.
// With --check it changes nothing, and fails if something would change.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { repository: address } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const isCheck = process.argv.includes('--check');
const stale = [];

for (const folder of readdirSync(join(root, 'packages'))) {
  const path = join(root, 'packages', folder, 'package.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  if (manifest.private) continue;
  const filled = {
    ...manifest,
    homepage: `${address}/tree/main/packages/${folder}#readme`,
    bugs: `${address}/issues`,
    repository: { type: 'git', url: `git+${address}.git`, directory: `packages/${folder}` },
  };
  if (JSON.stringify(manifest) === JSON.stringify(filled)) continue;
  stale.push(`packages/${folder}/package.json`);
  if (!isCheck) writeFileSync(path, `${JSON.stringify(filled, null, 2)}\n`);
}

if (isCheck && stale.length > 0) {
  process.stderr.write(`${stale.join(', ')}: the addresses differ from the root's; npm run format fills them in\n`);
  process.exit(1);
}
