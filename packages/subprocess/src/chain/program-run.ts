import { type Program } from '../program/program.js';
import { type StageOptions, type StageResult } from './stage.js';
import { Tail } from '../io/tail.js';

const NO_USAGE = { userCPUTime: 0, systemCPUTime: 0, maxRSS: 0 };

/** One start of a program of a chain. */
export class ProgramRun {
  readonly stage: StageOptions;
  readonly program: Program;
  /** What is collected of its stderr. */
  readonly tail: Tail | undefined;

  constructor(stage: StageOptions, program: Program) {
    this.stage = stage;
    this.program = program;
    this.tail = program.stderr && new Tail(program.stderr);
  }

  get result(): StageResult {
    const { argv, pid, exitCode, signalCode, resourceUsage = NO_USAGE } = this.program;
    const name = this.stage.name ?? (argv[0] as string);
    return { name, argv, pid, exitCode, signalCode, resourceUsage, stderr: this.tail?.text() };
  }

  close(): void {
    this.tail?.close();
    this.program.closeEnds();
  }
}
