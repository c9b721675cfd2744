// Tests that fail on Bun or on Deno for a reason that lies in the runtime. `npm run test:runtimes` runs them all the same, and prints them, but
// does not fail because of them. It also names each test of this list that passes: remove that test here.

/** By runtime: the reasons, each with the whole names of its tests, by file. A file that cannot be run has the test `the file itself`. */
const KNOWN_FAILURES = {
  bun: [],
  deno: [],
};

/** Tells known failures from others. */
export class KnownFailures {
  #entries;

  /** @param runtime - its name; one without known failures is all right */
  constructor(runtime) {
    this.#entries = (KNOWN_FAILURES[runtime] ?? []).flatMap(({ reason, tests }) =>
      Object.entries(tests).flatMap(([file, names]) => names.map((test) => ({ file, test, reason }))),
    );
  }

  /** Returns the reason why this test is known to fail; undefined if it is not. */
  reasonOf({ file, test }) {
    return this.#entries.find((entry) => entry.file === file && entry.test === test)?.reason;
  }

  /** Returns the known failures among the tests that passed in these files. */
  passedIn(files) {
    const passed = new Map(
      files.map(({ name, assertionResults: tests }) => [
        name,
        tests.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName),
      ]),
    );
    return this.#entries.filter(({ file, test }) => passed.get(file)?.includes(test));
  }
}
