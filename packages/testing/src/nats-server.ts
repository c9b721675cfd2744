import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './find-program.js';
import { until } from './wait.js';

/** The path of `nats-server`; undefined if it is not installed. */
export const natsServer = findProgram('nats-server');

/** A `nats-server` of the test's own: on a free port, with a store in a temporary folder, ended by its pid. */
export class NatsServer implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'aiopipe-nats-'));
  readonly #settings: string;
  #child: ChildProcess | undefined;
  #port = -1;

  readonly #hasJetStream: boolean;

  /** @param settings - more lines of the server's configuration */
  constructor(settings = '', hasJetStream = true) {
    this.#settings = settings;
    this.#hasJetStream = hasJetStream;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `nats://127.0.0.1:${String(this.#port)}`;
  }

  /** Starts it, the second time on the same port and with the same files. */
  async start(): Promise<this> {
    const config = join(this.#folder, 'server.conf');
    const store = join(this.#folder, 'store');
    writeFileSync(
      config,
      [
        'host: 127.0.0.1',
        `port: ${String(this.#port)}`,
        this.#hasJetStream ? `jetstream { store_dir: ${JSON.stringify(store)} }` : '',
        this.#settings,
      ].join('\n'),
    );
    const child = spawn(natsServer as string, ['-c', config, '--ports_file_dir', this.#folder], { stdio: 'ignore' });
    this.#child = child;
    const ports = `nats-server_${String(child.pid)}.ports`;
    await until('the server listens', () => {
      if (child.exitCode !== null) throw new Error(`nats-server exited with ${String(child.exitCode)}`);
      return readdirSync(this.#folder).includes(ports) && readFileSync(join(this.#folder, ports), 'utf8').endsWith('}');
    });
    const { nats } = JSON.parse(readFileSync(join(this.#folder, ports), 'utf8')) as { nats: [string] };
    this.#port = Number(new URL(nats[0].replace('nats:', 'http:')).port);
    return this;
  }

  /** Ends it as a crash does. Its files stay. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
