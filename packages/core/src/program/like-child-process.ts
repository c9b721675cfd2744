import { diagnosticsChannel } from '../observe/diagnostics-channel.js';
import { EventEmitter } from 'node:events';
import { type Exit } from './exit.js';
import { nextTick } from '../wait/saved-globals.js';

interface Started {
  readonly file: string;
  readonly argv: readonly string[];
  readonly cwd: string | undefined;
  readonly environment: readonly string[] | undefined;
}

/** The channels on which `node:child_process` publishes the processes that it starts. */
const children = diagnosticsChannel('child_process');
const spawnStart = diagnosticsChannel('tracing:child_process.spawn:start');
const spawnEnd = diagnosticsChannel('tracing:child_process.spawn:end');
const spawnError = diagnosticsChannel('tracing:child_process.spawn:error');

/**
 * A process that we start, as monitors know those of `node:child_process`: it has the fields and the events of Node's ChildProcess
 * that tell of its life, and no streams. It is published where Node publishes its own.
 */
export class LikeChildProcess extends EventEmitter {
  readonly spawnfile: string;
  readonly spawnargs: readonly string[];
  readonly stdin = null;
  readonly stdout = null;
  readonly stderr = null;
  readonly connected = false;
  pid: number | undefined;
  exitCode: number | null = null;
  signalCode: string | null = null;

  static get isWanted(): boolean {
    return children.hasSubscribers || spawnStart.hasSubscribers || spawnEnd.hasSubscribers || spawnError.hasSubscribers;
  }

  /** Publishes that it is about to be started. */
  constructor({ file, argv, cwd, environment }: Started) {
    super();
    this.spawnfile = file;
    this.spawnargs = [...argv];
    children.publish({ process: this });
    spawnStart.publish({ process: this, options: { file, args: [...argv], cwd, envPairs: environment } });
  }

  started(pid: number): void {
    this.pid = pid;
    spawnEnd.publish({ process: this });
    this.#emitSoon('spawn');
  }

  failed(error: Error): void {
    spawnError.publish({ process: this, error });
    // Our call throws the error. Without a listener the event would be an uncaught exception.
    if (this.listenerCount('error') > 0) this.#emitSoon('error', error);
  }

  ended({ exitCode, signalCode }: Exit): void {
    this.exitCode = exitCode;
    this.signalCode = signalCode;
    this.#emitSoon('exit', exitCode, signalCode);
    this.#emitSoon('close', exitCode, signalCode);
  }

  #emitSoon(event: string, ...args: readonly unknown[]): void {
    nextTick(() => {
      this.emit(event, ...args);
    });
  }
}
