import { Session, type Profiler } from 'node:inspector';

/** Which code of one script has run. It goes from an episode to the process that judges it. */
export interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly (readonly [name: string, start: number, end: number])[];
  /** A byte for each character of the script: 1 if it has run. In base64. */
  readonly ran: string;
}

/** Notes, by V8's coverage, which code of our packages runs in this process from now on. */
export class Coverage {
  readonly #session = new Session();
  readonly #scripts = new Map<string, Script>();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Adds what has run since the last call. Returns whether some of it had not run before. */
  take(): boolean {
    let isNew = false;
    // The inspector of this thread answers at once.
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error;
      for (const { url, functions } of answer.result) {
        if (!/\/packages\/(codec|process)\/dist\/\w+\.js$/.test(url)) continue;
        let script = this.#scripts.get(url);
        if (script === undefined) this.#scripts.set(url, (script = new Script()));
        if (script.add(functions)) isNew = true;
      }
    });
    return isNew;
  }

  /** Ends it. */
  finish(): ScriptCoverage[] {
    this.take();
    this.#session.disconnect();
    return [...this.#scripts].map(([url, script]) => script.report(url));
  }
}

class Script {
  readonly #functions = new Map<string, readonly [string, number, number]>();
  #ran = new Uint8Array();

  /** Ranges lie within each other, and the inner one counts. V8 names the outer ones first. */
  add(functions: readonly Profiler.FunctionCoverage[]): boolean {
    const ran = new Uint8Array(Math.max(...functions.flatMap(({ ranges }) => ranges.map((range) => range.endOffset))));
    const inOrder = [...functions].sort((a, b) => startOf(a) - startOf(b) || endOf(b) - endOf(a));
    for (const { functionName, ranges } of inOrder) {
      const [whole] = ranges;
      if (whole === undefined) continue;
      const { startOffset, endOffset } = whole;
      if (functionName !== '')
        this.#functions.set(`${String(startOffset)}-${String(endOffset)}`, [functionName, startOffset, endOffset]);
      for (const range of ranges) ran.fill(range.count > 0 ? 1 : 0, range.startOffset, range.endOffset);
    }
    return this.#merge(ran);
  }

  #merge(ran: Uint8Array): boolean {
    if (this.#ran.length < ran.length) {
      const longer = new Uint8Array(ran.length);
      longer.set(this.#ran);
      this.#ran = longer;
    }
    let isNew = false;
    for (let at = 0; at < ran.length; at++) {
      if (ran[at] === 0 || this.#ran[at] === 1) continue;
      this.#ran[at] = 1;
      isNew = true;
    }
    return isNew;
  }

  report(url: string): ScriptCoverage {
    return { url, functions: [...this.#functions.values()], ran: Buffer.from(this.#ran).toString('base64') };
  }
}

const startOf = ({ ranges }: Profiler.FunctionCoverage) => ranges[0]?.startOffset ?? 0;
const endOf = ({ ranges }: Profiler.FunctionCoverage) => ranges[0]?.endOffset ?? 0;
