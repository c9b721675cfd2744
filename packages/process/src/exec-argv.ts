/** Of the options that this process was started with, those that are about this run of it, not about how code loads. */
const ownAffair =
  /^(--inspect|--debug|--test|--watch|--eval|--print|--check|--interactive|--input-type|-e$|-p$|-pe$|-c$|-i$|--cpu-prof|--heap-prof)/;

/** What a child inherits of `process.execArgv`: loaders, conditions, limits; not `--inspect`, `-e`, `--test`, `--watch`. */
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
