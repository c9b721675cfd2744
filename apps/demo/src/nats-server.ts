import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PipeReader } from '@aiopipe/core';
import { popen, type Program } from '@aiopipe/subprocess';

/** What a client needs to connect. The token keeps other users of this computer out. */
export interface Login {
  readonly servers: string;
  readonly token: string;
}

/** The server is not there: the message says it all. */
export class ServerError extends Error {
  /** The exit code of the demo. */
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The exit code if `nats-server` is not installed. */
const NOT_INSTALLED = 2;

/** A server of the demo's own, on a free port of this computer, with a store in a temporary folder. */
export class NatsServer implements AsyncDisposable {
  readonly login: Login;
  readonly #folder: string;
  readonly #program: Program;
  readonly #log: PipeReader;

  private constructor(folder: string, program: Program, log: PipeReader, login: Login) {
    this.#folder = folder;
    this.#program = program;
    this.#log = log;
    this.login = login;
  }

  /** Resolves when the server takes connections. Rejects with ServerError if there is none in PATH, or it ends. */
  static async start(): Promise<NatsServer> {
    const folder = mkdtempSync(join(tmpdir(), 'aiopipe-census-'));
    try {
      const token = randomBytes(24).toString('hex');
      const config = join(folder, 'server.conf');
      writeFileSync(config, configuration(folder, token));
      const program = popen(['nats-server', '-c', config], { stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' });
      const log = program.stderr.open();
      const port = await readPort(log);
      return new NatsServer(folder, program, log, { servers: `127.0.0.1:${port}`, token });
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      const missing = '--machines needs nats-server in PATH (on Debian: apt-get install nats-server)';
      throw new ServerError(missing, NOT_INSTALLED);
    }
  }

  /** Rejects when the server has ended. It reads the server's log meanwhile: a full pipe would stop the server. */
  async ended(): Promise<never> {
    for await (const _ of this.#log);
    throw new ServerError('nats-server has ended');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.stop();
    this.#log[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function configuration(folder: string, token: string): string {
  return [
    'host: 127.0.0.1',
    'port: -1',
    `authorization { token: "${token}" }`,
    `jetstream { store_dir: ${JSON.stringify(join(folder, 'store'))} }`,
  ].join('\n');
}

/** Reads the log until the server is ready. */
async function readPort(log: PipeReader): Promise<string> {
  const seen: string[] = [];
  let port: string | undefined;
  for await (const line of log.lines()) {
    seen.push(line);
    port ??= /Listening for client connections on .*:(\d+)$/.exec(line)?.[1];
    if (port !== undefined && line.includes('Server is ready')) return port;
  }
  throw new ServerError(`nats-server has ended: ${seen.at(-1) ?? 'it has said nothing'}`);
}
