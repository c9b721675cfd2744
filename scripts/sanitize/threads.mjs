// The binding's own threads under ThreadSanitizer: those that wait for children, keep the guard and watch the lifeline.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { library, native, options, root, sources } from './binding.mjs';
import { missing, run } from '../children.mjs';

/**
 * All but the glue to Node, which calls Node-API or libuv: ThreadSanitizer would not see how Node's own threads keep each other out, and
 * the driver runs without Node.
 */
const calls = sources.filter((name) => !/\b(napi|uv)_/.test(readFileSync(join(native, name), 'utf8')));

const driver = join(root, 'scripts/sanitize/threads.c');
const withoutPidfd = join(root, 'packages/core/test/fixtures/system-without-calls.c');

/** Each with what the driver is linked to. */
const VARIANTS = [
  ['threads', [driver]],
  ['threads, without pidfd', ['-DERROR=ENOSYS', driver, withoutPidfd]],
];

export async function threads(directory) {
  const lack = library('libtsan.so') === undefined ? "gcc's libtsan" : missing('gcc');
  if (lack !== undefined) return { lack };
  // Not -I: the binding has a limits.h, which <limits.h> must not find.
  const gcc = ['gcc', '-fsanitize=thread', '-O1', '-g', '-pthread', '-iquote', '.', ...options()];
  const shared = join(directory, 'libcalls.so');
  // A library, as the binding is: a thread of ours keeps it loaded.
  const steps = [['threads', [...gcc, '-shared', '-fPIC', ...calls, '-o', shared]]];
  for (const [name, words] of VARIANTS) {
    const program = join(directory, name.replace(/\W+/g, '-'));
    steps.push([name, [...gcc, ...words, shared, '-o', program]], [name, [program]]);
  }
  const found = [];
  for (const [name, words] of steps) {
    const { end, output } = await run(words, { cwd: native, minutes: 5 });
    if (end === 0) continue;
    found.push(`${name}: ${words[0]} ended with ${end}: ${output.slice(0, 4000)}`);
    // The next steps need what the compiler has not made.
    if (words[0] === 'gcc') break;
  }
  return { did: `${VARIANTS.length} programs`, found, failed: [] };
}
