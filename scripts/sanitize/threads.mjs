// The binding's own threads under ThreadSanitizer: those that wait for children, keep the guard and watch the lifeline.
import { join } from 'node:path';
import { library, native, options, root, sources } from './binding.mjs';
import { missing, run } from '../children.mjs';

/** All but the glue to Node: ThreadSanitizer would not see how Node's own threads keep each other out. */
const calls = sources.filter((name) => !/^(binding|checked|calls|poll|spin|child)\.c$/.test(name));

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
  const gcc = ['gcc', '-fsanitize=thread', '-O1', '-g', '-pthread', '-I.', ...options()];
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
    if (end !== 0) found.push(`${name}: ${words[0]} ended with ${end}: ${output.slice(0, 4000)}`);
  }
  return { did: `${VARIANTS.length} programs`, found, failed: [] };
}
