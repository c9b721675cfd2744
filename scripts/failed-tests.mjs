/**
 * What failed in one run of a suite, as `SuiteRunner.run()` gives it: the file, the test and the reason of each. If the run fails and
 * none of its tests does, the suite itself has failed; the reason is the end of its output.
 */
export function failuresOf(suite, { files, status, output }) {
  const failures = files.flatMap(({ name: file, status: state, message, assertionResults: tests }) => {
    const failed = tests.filter((test) => test.status === 'failed');
    // Its hooks failed, or it could not be loaded.
    if (state === 'failed' && failed.length === 0) return [failure(file, 'the file itself', message)];
    return failed.map((test) => failure(file, test.fullName, test.failureMessages[0]));
  });
  if (status !== 0 && failures.length === 0) return [failure(suite, 'the suite itself', output)];
  return failures;
}

function failure(file, test, message = '') {
  // The JSON reporter has the stack alone, and this is how that of a timeout begins.
  const lines = message.trim().replace('Error: STACK_TRACE_ERROR', 'it took longer than its timeout').split('\n');
  const ours = lines.filter((line) => !line.includes('/node_modules/'));
  return { file, test, reason: ours.slice(0, 8).join('\n    ') };
}

/** One failure in two lines and the reason. */
export const describe = ({ file, test, reason }) => `${file}\n    ${test}\n    ${reason}`;

/** Counts how often each test failed. */
export class FailedTests {
  #failures = new Map();

  get isEmpty() {
    return this.#failures.size === 0;
  }

  /** Adds what failed in one run of a suite. */
  add(failures) {
    for (const failure of failures) {
      const key = `${failure.file} ${failure.test}`;
      const entry = this.#failures.get(key) ?? { failure, times: 0 };
      entry.times++;
      this.#failures.set(key, entry);
    }
  }

  /** One entry for each test; the one that failed most often comes first. */
  table(runs) {
    if (this.isEmpty) return `0 of ${String(runs)} runs had a failed test`;
    const entries = [...this.#failures.values()].sort((a, b) => b.times - a.times);
    return entries.map(({ failure, times }) => `${String(times)} of ${String(runs)}  ${describe(failure)}`).join('\n');
  }
}
