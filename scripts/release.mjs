// Publishes the packages whose version npm does not have yet: `npm run release`, or `npm run release -- --dry-run`.
// It builds the prebuilt bindings, packs, installs and tests what was packed, and publishes with provenance. A dry run does all of
// that but the last, and shows what npm would publish.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { root } from './suites.mjs';

/** A package comes after those that it depends on. */
const packages = ['core', 'codec', 'process', 'subprocess', 'opentelemetry', 'inspector', 'nats'];

const program = new Command('release')
  .description('Builds, packs, tests and publishes the packages whose version npm does not have yet.')
  .option('--dry-run', 'publishes nothing, and shows what would be')
  .parse();
const { dryRun = false } = program.opts();

const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const { packageManager } = read('package.json');

/** Runs a program in the root, with its output on the terminal. Ends this process if it fails. */
function run(words, { env = {}, cwd = root } = {}) {
  console.log(`> ${words.join(' ')}`);
  const [file, ...rest] = words;
  const { status, error } = spawnSync(file, rest, { cwd, stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) stop(error?.message ?? `${file} failed`);
}

function stop(why) {
  console.error(`release: ${why}`);
  process.exit(1);
}

/** What stands against a release of this commit. */
function obstacles() {
  const pending = readdirSync(join(root, '.changeset')).filter((file) => file.endsWith('.md'));
  const changed = spawnSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' }).stdout;
  return [
    pending.length > 0 && `${String(pending.length)} changesets wait: \`npx changeset version\` first, and commit it`,
    changed !== '' && 'there are changes that are not committed',
  ].filter((obstacle) => obstacle !== false);
}

/** Whether npm has this version of the package. */
function isPublished({ name, version }) {
  const { status, stdout, stderr } = spawnSync('npm', ['view', `${name}@${version}`, 'version'], { encoding: 'utf8' });
  if (status === 0) return stdout.trim() === version;
  if (!stderr.includes('E404')) stop(`npm does not say whether it has ${name}@${version}:\n${stderr}`);
  return false;
}

for (const obstacle of obstacles()) {
  if (!dryRun) stop(obstacle);
  console.log(`a release would stop here: ${obstacle}`);
}

const manifests = packages.map((folder) => read(`packages/${folder}/package.json`));
const waiting = manifests.filter((manifest) => !isPublished(manifest));
if (waiting.length === 0) {
  console.log('npm has all versions');
  process.exit(0);
}

const directory = mkdtempSync(join(tmpdir(), 'aiopipe-release-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
// All of them: each is tested with those under it, as they are here. The pack script of core makes the prebuilt bindings.
const chosen = manifests.flatMap(({ name }) => ['--filter', name]);
run(['npx', '--yes', '--', packageManager, ...chosen, 'pack', '--pack-destination', directory]);
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
run([process.execPath, vitest, 'run'], { cwd: join(root, 'packaging'), env: { AIOPIPE_TARBALLS: directory } });

for (const { name, version } of waiting) {
  const tarball = join(directory, `${name.slice(1).replace('/', '-')}-${version}.tgz`);
  if (!existsSync(tarball)) stop(`${tarball} was not packed`);
  run(['npm', 'publish', tarball, '--access', 'public', dryRun ? '--dry-run' : '--provenance']);
}
// The release workflow makes a release on GitHub of each new tag.
if (!dryRun) run([process.execPath, join(root, 'node_modules/@changesets/cli/bin.js'), 'tag']);
