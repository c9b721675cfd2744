/** Of the options that this process was started with, those that are about this run of it, not about how code loads. */
const ownAffair = /^(--inspect|--debug|--test|--watch|--eval|--print|--check|--interactive|-e$|-p$|-pe$|-c$|-i$|--cpu-prof|--heap-prof)/;
/** Those of them whose value is the next word. */
const takesValue = /^(--eval|-e|--print|-p|-pe|--inspect-port|--watch-path|--test-[a-z-]+)$/;

/** What a child inherits of `process.execArgv`: loaders, conditions, limits; not `--inspect`, `-e`, `--test`, `--watch`. */
export function inheritedExecArgv(execArgv: readonly string[]): string[] {
  const inherited: string[] = [];
  for (let i = 0; i < execArgv.length; i++) {
    const word = execArgv[i] as string;
    if (!ownAffair.test(word)) inherited.push(word);
    else if (takesValue.test(word) && !execArgv[i + 1]?.startsWith('-')) i++;
  }
  return inherited;
}
