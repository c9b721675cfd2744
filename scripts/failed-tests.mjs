/** Counts how often each test failed, from the reports of Vitest's JSON reporter. */
export class FailedTests {
  #failures = new Map();

  get isEmpty() {
    return this.#failures.size === 0;
  }

  /**
   * Adds one run of a suite. Returns the number of failures in it. If a run fails and none of its tests does, the suite has
   * failed; the reason is the end of its output.
   */
  add(suite, files, status, output) {
    const before = this.#total();
    for (const { name: file, status: state, message, assertionResults: tests } of files) {
      const failed = tests.filter((test) => test.status === 'failed');
      for (const test of failed) this.#note(file, test.fullName, test.failureMessages[0]);
      // Its hooks failed, or it could not be loaded.
      if (state === 'failed' && failed.length === 0) this.#note(file, 'the file itself', message);
    }
    if (status !== 0 && this.#total() === before) this.#note(suite, 'the suite itself', output);
    return this.#total() - before;
  }

  /** One entry for each test; the one that failed most often comes first. */
  table(runs) {
    if (this.isEmpty) return `0 of ${String(runs)} runs had a failed test`;
    const entries = [...this.#failures.values()].sort((a, b) => b.times - a.times);
    return entries
      .map(
        ({ times, file, test, reason }) => `${String(times)} of ${String(runs)}  ${file}\n    ${test}\n    ${reason}`,
      )
      .join('\n');
  }

  #total() {
    return [...this.#failures.values()].reduce((sum, { times }) => sum + times, 0);
  }

  #note(file, test, message = '') {
    const key = `${file} ${test}`;
    const reason = message
      .trim()
      .split('\n')
      .filter((line) => !line.includes('/node_modules/'))
      .slice(0, 8)
      .join('\n    ');
    const entry = this.#failures.get(key) ?? { times: 0, file, test, reason };
    entry.times++;
    this.#failures.set(key, entry);
  }
}
