import { placeOfCall, SiteWarnings, type CallSite } from '@aiopipe/core/internal';

const warnings = new SiteWarnings('AIOPIPE_UNRUN', (site, count, line) => {
  const what = count === 1 ? `The chain \`${line}\`` : `${String(count)} chains such as \`${line}\``;
  return `${what} made at ${site} ${count === 1 ? 'was' : 'were'} never run: await the chain, or call run(), lines() or another of its methods`;
});

/** Chains that were neither run nor dropped so far. The entries do not keep them from being collected. */
const unrun = new Set<UnrunChain>();

const dropped = new FinalizationRegistry<UnrunChain>((chain) => {
  if (unrun.delete(chain)) chain.tell();
});

let hearsExit = false;

/**
 * At exit, `process.emitWarning()` comes too late. Node's own listener of `warning` writes at once, or not at all if the
 * user has turned warnings off.
 */
function warnAtExit(): void {
  for (const chain of unrun) chain.tell();
  unrun.clear();
  warnings.report((warning) => process.emit('warning', warning));
}

/** Warns once of a chain that was never run: when it is collected, or at exit. */
export class UnrunChain {
  readonly #line: string;
  /** The line that made the chain. */
  readonly site: CallSite;

  /**
   * @param line - the chain as a shell line
   * @param site - the call that made it: its place is named
   */
  constructor(chain: object, line: string, site: CallSite) {
    this.#line = line;
    this.site = site;
    unrun.add(this);
    dropped.register(chain, this, this);
    if (hearsExit) return;
    hearsExit = true;
    process.on('exit', warnAtExit);
  }

  /** Forgets the chain: it runs, is a part of another chain, or its error has reached the caller. */
  forget(): void {
    if (unrun.delete(this)) dropped.unregister(this);
  }

  /** Counts this chain for the warning about the place where it was made. */
  tell(): void {
    warnings.note(placeOfCall(this.site), this.#line);
  }
}
