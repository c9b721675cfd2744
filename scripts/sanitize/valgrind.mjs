// Memcheck over a part of the binding's work. Valgrind 3.19 has no pidfd_open(2), so a thread waits for each program there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { root } from './binding.mjs';
import { missing, run } from '../children.mjs';

export async function valgrind(directory) {
  const lack = missing('valgrind');
  if (lack !== undefined) return { lack };
  const log = join(directory, 'valgrind.log');
  const program = join(root, 'scripts/sanitize/valgrind-work.mjs');
  // V8 must not make code as it runs. The guard is a fork that has released its memory, some of which the loader needs under valgrind:
  // it ends there by a signal, again and again.
  const { end, output } = await run(
    ['valgrind', '--child-silent-after-fork=yes', `--log-file=${log}`, process.execPath, '--jitless', program],
    {
      minutes: 20,
    },
  );
  const reports = readFileSync(log, 'utf8')
    .replaceAll(/^==\d+== ?/gm, '')
    .split('\n\n');
  const found = reports.filter((report) => report.includes('aiopipe.node'));
  return { did: 'one program', found, failed: end === 0 ? [] : [`it ended with ${end}: ${output}`] };
}
