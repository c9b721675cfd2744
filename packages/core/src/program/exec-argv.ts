/**
 * Options that concern this run of the process, not how code is loaded and run. They say what it executes (`-e`, `--test`,
 * `--watch`, a snapshot), what debugs or profiles it, which files it writes (`--prof`, `--trace-event…`: a child would
 * overwrite them), and its title. `--env-file` has done its work: a child gets what was read with the environment.
 */
const ownAffair = new RegExp(
  '^(' +
    '--(inspect|debug-port|test|experimental-test|watch|eval|print|check|interactive|input-type|cpu-prof|heap-prof|prof|' +
    'trace-event|title|env-file|build-snapshot|snapshot-blob|experimental-sea-config)(?![a-z])' +
    '|(-e|-p|-pe|-c|-i)$' +
    ')',
);

/**
 * Returns what a child inherits of `process.execArgv`: loaders, conditions, limits, permissions, `--experimental-…`; not `--inspect`,
 * `-e`, `--test`, `--watch`.
 */
export function inheritedExecArgv(execArgv: readonly string[]): string[] {
  const inherited: string[] = [];
  for (let i = 0; i < execArgv.length; i++) {
    const word = execArgv[i] as string;
    if (!ownAffair.test(word)) inherited.push(word);
    // The program's name is not among these words: one without a dash is the value of the option before it.
    else if (execArgv[i + 1]?.startsWith('-') === false) i++;
  }
  return inherited;
}

/** Returns the words that start a child on this runtime, up to the child's entry. */
export function runtimeArgv(execArgv: readonly string[]): string[] {
  // A program that may load the binding (--allow-ffi) may do everything.
  const command = process.versions['deno'] === undefined ? [] : ['run', '--allow-all'];
  return [process.execPath, ...command, ...execArgv];
}

/** Two processes cannot listen at one port. If the system chooses the port (0), each has its own. */
const fixedInspector = /^--(inspect|debug-port)(?!.*[=:]0"?$)/;

/** Returns what a child inherits of `NODE_OPTIONS`: all but a debugger's port, which is taken, and waiting for a debugger there. */
export function inheritedNodeOptions(nodeOptions: string): string {
  if (!/--(inspect|debug-port)/.test(nodeOptions)) return nodeOptions;
  // Words as Node has them: a double quote holds blanks, and a backslash within it the next character.
  const words = nodeOptions.match(/(?:[^\s"]|"(?:\\.|[^"\\])*"?)+/g) ?? [];
  const inherited: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (!fixedInspector.test(word)) inherited.push(word);
    else if (words[i + 1]?.startsWith('-') === false) i++;
  }
  return inherited.join(' ');
}
