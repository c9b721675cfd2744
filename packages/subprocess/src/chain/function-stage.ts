import { ByteStream } from '../io/byte-stream.js';
import { FunctionRun, type StageFunction } from './function-run.js';
import { type Run, type Source } from './run.js';
import { type ChainStage, type Surroundings } from './stage.js';
import { targetOf } from './tee.js';

/** A function as a stage. */
export class FunctionStage implements ChainStage {
  readonly #transform: StageFunction;
  readonly #name: string;

  constructor(transform: StageFunction) {
    this.#transform = transform;
    this.#name = transform.name === '' ? '(anonymous)' : transform.name;
  }

  get given(): readonly unknown[] {
    return [targetOf(this.#transform)];
  }

  /** A function can always be started. */
  check(): void {
    // The function checks its own arguments.
  }

  start(source: Source, _isLast: boolean, { grace, onFunctionFailure }: Surroundings): Run {
    const input = new ByteStream(source.chunks(), this.#name);
    return new FunctionRun(this.#transform, this.#name, input, grace, onFunctionFailure);
  }

  toString(): string {
    return `[Function: ${this.#name}]`;
  }
}
