import { show } from '@aiopipe/core/internal';

/** Lists the settings of a stream or consumer that are not as wanted: `max_msgs is 10, not 20`. */
export function differences(wanted: object, found: object): string[] {
  const settings = found as Readonly<Record<string, unknown>>;
  return Object.entries(wanted)
    .filter(([name, value]) => JSON.stringify(settings[name]) !== JSON.stringify(value))
    .map(([name, value]) => `${name} is ${show(settings[name])}, not ${show(value)}`);
}
