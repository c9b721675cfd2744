// The programs that some tests need, and what is skipped without them. Run as a program, it prints the Debian packages of those that
// are missing.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const tools = [
  { name: 'strace', debian: 'strace', tests: 'tests of system calls that fail' },
  { name: 'prlimit', debian: 'util-linux', tests: 'tests of limits on descriptors and processes' },
  { name: 'script', debian: 'bsdutils', tests: 'tests of chains on a terminal' },
  { name: 'vim', debian: 'vim', tests: 'the test of an editor on a terminal' },
  { name: 'less', debian: 'less', tests: 'the test of a pager on a terminal' },
  { name: 'bash', debian: 'bash', tests: 'tests of job control on a terminal' },
  { name: 'python3', debian: 'python3', tests: 'tests with terminals, and with a peer in another language' },
  { name: 'cc', debian: 'gcc libc6-dev', tests: 'tests that compile a small library' },
  { name: 'bwrap', debian: 'bubblewrap', tests: 'the test of the sandbox in docs/sandbox.md' },
  { name: 'unshare', debian: 'util-linux', tests: 'the test of a server that is process 1' },
  { name: 'chromium', debian: 'chromium', tests: "tests of the inspector's page, and of programs under it" },
  { name: 'nats-server', debian: 'nats-server', tests: 'tests of clusters, and of the demo over machines' },
  { name: 'openssl', debian: 'openssl', tests: 'the test of a cluster over TLS' },
  { name: 'llvm-readobj', debian: 'llvm', tests: 'the test of the check of prebuilt bindings' },
];

/** Those that are not in PATH. */
export function missingTools() {
  return tools.filter(({ name }) => !process.env.PATH.split(delimiter).some((folder) => isProgram(join(folder, name))));
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(
    missingTools()
      .map(({ debian }) => debian)
      .join(' '),
  );
}
