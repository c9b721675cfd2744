import { show } from '@aiopipe/core/internal';

interface Option {
  readonly name: string;
  /** Returns a value of the server's as the user writes it. */
  readonly read: (value: unknown) => string;
}

const NANOSECONDS = 1_000_000;

const count = (value: unknown): string => (value === -1 ? 'none' : show(value));
const milliseconds = (value: unknown): string => (typeof value === 'number' ? show(value / NANOSECONDS) : show(value));

/** The options behind settings of JetStream's. */
const OPTIONS: Readonly<Record<string, Option>> = {
  max_msgs: { name: 'queueLimit', read: count },
  num_replicas: { name: 'replicas', read: show },
  ack_wait: { name: 'lease', read: milliseconds },
  max_age: { name: 'maxAge', read: (value) => (value === 0 ? 'none' : milliseconds(value)) },
  max_ack_pending: { name: 'ordered', read: (value) => show(value === 1) },
  deliver_policy: { name: 'from', read: (value) => show(value === 'all' ? 'first' : 'now') },
};

/**
 * Lists the settings of a stream or consumer that are not as wanted, by the names of the options: `queueLimit is 10 there, and 20
 * here`.
 */
export function differences(wanted: object, found: object): string[] {
  const settings = found as Readonly<Record<string, unknown>>;
  return Object.entries(wanted)
    .filter(([name, value]) => JSON.stringify(settings[name]) !== JSON.stringify(value))
    .map(([key, value]) => {
      const { name, read } = OPTIONS[key] ?? { name: key, read: show };
      return `${name} is ${read(settings[key])} there, and ${read(value)} here`;
    });
}
