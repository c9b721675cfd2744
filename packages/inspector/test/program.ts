// A program that runs under the inspector.
import { spawn, type ChildProcess } from 'node:child_process';
import { fixture, until } from '@aiopipe/testing';
import { afterEach, expect } from 'vitest';

/** Ends with the test, and may be told what to do by lines on its stdin. */
export class Program {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly #ended: Promise<number | null>;

  constructor(name: string, env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(process.execPath, ['--import', '@aiopipe/inspector', fixture(name)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#ended = new Promise((resolve) => this.child.once('close', resolve));
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Resolves with the URL of its page. */
  async url(): Promise<string> {
    const pattern = /aiopipe inspector: (http:\S+)\n/;
    await until('it says where its page is', () => pattern.test(this.stderr));
    return pattern.exec(this.stderr)?.[1] as string;
  }

  /** Resolves with the first line of its stdout, read as JSON. */
  async facts<Facts>(): Promise<Facts> {
    await until('it has printed a line', () => this.stdout.includes('\n'));
    return JSON.parse(this.stdout.split('\n', 1)[0] as string) as Facts;
  }

  order(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** Resolves with its exit code. */
  end(): Promise<number | null> {
    this.child.stdin?.end();
    return this.#ended;
  }
}

/** Runs one program in each test, and sees that it ends well after it. */
export function underInspector() {
  let program: Program | undefined;
  afterEach(async () => {
    const running = program;
    program = undefined;
    if (running !== undefined) expect(await running.end()).toBe(0);
  });
  const run = (name: string, env: NodeJS.ProcessEnv): Program => (program = new Program(name, env));
  return {
    run,
    /** Resolves with the URL of the program's page. */
    start: (name: string, env: NodeJS.ProcessEnv) => run(name, env).url(),
    program: () => program as Program,
  };
}
