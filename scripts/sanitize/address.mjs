// The suites of four packages with the binding under AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer.
import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileIn, library, options, sanitized } from './binding.mjs';
import { missing } from '../children.mjs';
import { describe } from '../failed-tests.mjs';
import { SuiteRunner } from '../suites.mjs';
import { runInCopy, SUITES } from '../workspace-copy.mjs';

const SHADOW = 'the memory that the sanitizer reserves for itself counts';

/** Tests that cannot hold here, and why. */
const LEFT_OUT = {
  'neither grows by 64 MiB': 'the sanitizer keeps freed memory for a while',
  'and no memory to speak of': 'a guard keeps the memory of the sanitizer',
  'is the loader of another C library': 'it reads the head of the Node program, which is a changed one here',
  'calls that signals interrupt go on, and lose nothing': 'its LD_PRELOAD comes before the library of the sanitizer',
  'has limits.memory for itself': SHADOW,
  'whose objects need more than limits.memory dies': SHADOW,
  'that has too little memory to boot': SHADOW,
  'that is Node gets an error for a Buffer above limits.memory': SHADOW,
};

/** Node's objects for externals. Node does not free them when an environment ends. */
const SUPPRESSIONS = 'leak:napi_create_external\n';

export function lackOfAddress() {
  if (library('libasan.so') === undefined) return "gcc's libasan";
  return missing('gcc', 'patchelf') ?? (options() === undefined ? "Node's headers" : undefined);
}

/** Builds once, and returns a function that runs one suite. */
export async function address(directory) {
  const words = ['-fno-omit-frame-pointer', '-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'];
  const { copy, node } = await sanitized(directory, words, 'libasan.so');
  const suppressions = fileIn(directory, 'leaks.txt', SUPPRESSIONS);

  const runner = new SuiteRunner();
  return async (suite) => {
    const logs = join(directory, `logs-${suite}`);
    mkdirSync(logs);
    chmodSync(logs, 0o777);
    const log = `log_path=${join(logs, 'report')}`;
    const { passed, failed } = await runInCopy(runner, copy, suite, {
      node,
      leftOut: Object.keys(LEFT_OUT),
      env: {
        // V8 leaves most of its memory to the system. These leaks must not change a program's exit code.
        ASAN_OPTIONS: `${log}:quarantine_size_mb=16`,
        LSAN_OPTIONS: `exitcode=0:print_suppressions=0:suppressions=${suppressions}`,
        UBSAN_OPTIONS: `${log}:print_stacktrace=1`,
      },
    });
    const found = readdirSync(logs).flatMap((name) => ofTheBinding(readFileSync(join(logs, name), 'utf8')));
    return { did: `${passed} tests`, found, failed: failed.map(describe) };
  };
}

/** Returns all reports except Node's own leaks: a leak of ours has the binding among its first callers. */
function ofTheBinding(text) {
  return text
    .split('\n\n')
    .filter((part) => /ERROR: (?!LeakSanitizer)|runtime error/.test(part) || isLeakOfOurs(part))
    .map((part) => part.trim());
}

const isLeakOfOurs = (part) =>
  /leak of \d+ byte/.test(part) &&
  part
    .split('\n')
    .filter((line) => /^\s+#\d/.test(line))
    .slice(0, 5)
    .some((line) => line.includes('/core/native/'));

export { LEFT_OUT, SUITES };
