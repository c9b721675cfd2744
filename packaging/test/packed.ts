// Packs the packages once for all tests. With AIOPIPE_TARBALLS, the tests take the tarballs in that directory instead: those
// that a release is about to publish.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of each package's tarball, by the package's name. */
    tarballs: Readonly<Record<string, string>>;
  }
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What the packages have of others, with all that those bring along. */
const dependencies = [
  'node-gyp-build',
  '@opentelemetry/api',
  '@nats-io/jetstream',
  '@nats-io/nats-core',
  '@nats-io/nkeys',
  '@nats-io/nuid',
  '@nats-io/obj',
  '@nats-io/transport-node',
  'js-sha256',
  'tweetnacl',
];

interface Manifest {
  readonly name: string;
  readonly packageManager: string;
}

export default function packed(project: TestProject): () => void {
  const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'aiopipe-packed-')));
  const remove = () => {
    rmSync(scratch, { recursive: true, force: true });
  };
  try {
    fill(scratch);
    project.provide('tarballs', byName(scratch));
  } catch (error) {
    remove();
    throw error;
  }
  return remove;
}

function fill(scratch: string): void {
  const given = process.env['AIOPIPE_TARBALLS'];
  if (given === undefined) pack(scratch);
  else for (const file of readdirSync(given)) cpSync(join(given, file), join(scratch, file));
  // The dependencies from elsewhere come as tarballs, too: so the tests need no network.
  for (const name of dependencies) packInstalled(name, scratch);
}

/** Packs a package of this folder's dependencies as it is here, without its scripts. */
function packInstalled(name: string, directory: string): void {
  const installed = realpathSync(fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url)));
  const unpacked = mkdtempSync(join(directory, 'installed-'));
  cpSync(installed, join(unpacked, 'package'), { recursive: true });
  execFileSync('tar', ['czf', join(directory, `${basename(unpacked)}.tgz`), '-C', unpacked, 'package']);
  rmSync(unpacked, { recursive: true });
}

function pack(directory: string): void {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  const chosen = ['--filter', './packages/*', '--filter', '!@aiopipe/testing'];
  const words = ['pack', '--config.ignore-scripts=true', '--pack-destination', directory];
  execFileSync('npx', ['--yes', '--prefer-offline', '--', packageManager, ...chosen, ...words], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  addBinding(byName(directory)['@aiopipe/core'] as string);
}

/** The binding of this build as the package's prebuilt one, instead of those that may lie there from packing. */
function addBinding(tarball: string): void {
  const unpacked = mkdtempSync(join(dirname(tarball), 'core-'));
  execFileSync('tar', ['xzf', tarball, '-C', unpacked]);
  const { glibcVersionRuntime } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
  const libc = process.platform !== 'linux' ? '' : glibcVersionRuntime === undefined ? '.musl' : '.glibc';
  const prebuilds = join(unpacked, 'package/native/prebuilds');
  rmSync(prebuilds, { recursive: true, force: true });
  mkdirSync(prebuilds);
  cpSync(
    join(root, 'packages/core/native/build/Release/aiopipe.node'),
    join(prebuilds, `${process.platform}-${process.arch}`, `aiopipe${libc}.node`),
  );
  execFileSync('tar', ['czf', tarball, '-C', unpacked, 'package']);
  rmSync(unpacked, { recursive: true });
}

function byName(directory: string): Record<string, string> {
  const tarballs = readdirSync(directory).filter((file) => file.endsWith('.tgz'));
  return Object.fromEntries(
    tarballs.map((file) => {
      const path = join(directory, file);
      const manifest = execFileSync('tar', ['xzOf', path, 'package/package.json'], { encoding: 'utf8' });
      return [(JSON.parse(manifest) as Manifest).name, path];
    }),
  );
}
