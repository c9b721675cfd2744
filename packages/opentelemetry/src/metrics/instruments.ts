import { metrics, type Meter, type MeterProvider } from '@opentelemetry/api';
import { SCOPE } from '../scope.js';
import { type Undo } from '../subscribe.js';

/**
 * Instruments of the SDK's meter. They are made anew if the SDK was started meanwhile: until then OpenTelemetry's API gives out
 * instruments that record nothing, and go on recording nothing.
 */
export class Instruments<Made> {
  readonly #make: (meter: Meter, onEnd: (undo: Undo) => void) => Made;
  #provider: MeterProvider | undefined;
  #made: Made | undefined;
  #undo: Undo[] = [];

  /** @param make - tells `onEnd` how to take back what it has given to the meter: the SDK goes on to call an observable's callback */
  constructor(make: (meter: Meter, onEnd: (undo: Undo) => void) => Made) {
    this.#make = make;
    void this.current;
  }

  get current(): Made {
    const provider = metrics.getMeterProvider();
    if (provider !== this.#provider) {
      this.end();
      this.#provider = provider;
      this.#made = this.#make(provider.getMeter(SCOPE), (undo) => this.#undo.push(undo));
    }
    return this.#made as Made;
  }

  /** Nothing is observed any more. */
  end(): void {
    for (const undo of this.#undo) undo();
    this.#undo = [];
  }
}
