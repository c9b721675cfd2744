import { DEFAULT_GRACE, stopPrograms, type Guard } from '@aiopipe/core/internal';
import { type PopenOptions } from '../program/popen.js';
import { type Program } from '../program/program.js';

/**
 * The process group of a chain: the first program leads it, the others join it.
 *
 * If the chain has the terminal, its programs stay in our own group: a pager writes to the terminal, but reads its keys
 * there, too, and the system would stop another group (SIGTTIN).
 */
export class ProgramGroup {
  readonly #hasTerminal: boolean;
  readonly #grace: number;
  readonly #programs: Program[] = [];
  #stopped: Promise<void> | undefined;

  /** @param grace - milliseconds from SIGTERM to SIGKILL */
  constructor(hasTerminal: boolean, grace: number) {
    this.#hasTerminal = hasTerminal;
    this.#grace = grace;
  }

  /** How the next program is to be started. */
  get startOptions(): { readonly group: PopenOptions['group']; readonly guard: Guard } {
    const group = this.#hasTerminal ? 'inherit' : (this.#programs[0]?.pid ?? 'own');
    // The leader's entry guards the whole group. The system's death signal reaches only programs that we started.
    return { group, guard: { kind: group === 'own' ? 'chain' : 'program', killAfter: DEFAULT_GRACE } };
  }

  add(program: Program): void {
    this.#programs.push(program);
  }

  /** Ends all of it: SIGTERM, and SIGKILL after the grace period. Resolves when it has ended, or cannot be ended. */
  stop(): Promise<void> {
    return (this.#stopped ??= stopPrograms(
      this.#programs.map(({ spawned }) => spawned),
      this.#grace,
    ));
  }

  /** Releases the group from the guard: processes that the programs left behind live on. */
  unguard(): void {
    this.#programs[0]?.spawned.unguard();
  }
}
