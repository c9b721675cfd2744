import { metrics, type Meter, type MeterProvider } from '@opentelemetry/api';
import { SCOPE } from '../scope.js';

/**
 * Instruments of the SDK's meter. They are made anew if the SDK was started meanwhile: until then OpenTelemetry's API gives out
 * instruments that record nothing, and go on recording nothing.
 */
export class Instruments<Made> {
  readonly #make: (meter: Meter) => Made;
  #provider: MeterProvider | undefined;
  #made: Made | undefined;

  constructor(make: (meter: Meter) => Made) {
    this.#make = make;
    void this.current;
  }

  get current(): Made {
    const provider = metrics.getMeterProvider();
    if (provider !== this.#provider) {
      this.#provider = provider;
      this.#made = this.#make(provider.getMeter(SCOPE));
    }
    return this.#made as Made;
  }
}
