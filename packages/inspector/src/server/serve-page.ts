import { inspect } from 'node:util';
import { serve } from './server.js';

/**
 * The options of {@link servePage}.
 *
 * @see the example of {@link servePage}
 */
export interface ServePageOptions {
  /** The port of the page; 0, the default: one that is free. */
  readonly port?: number;
  /** Whether each process has a kill button. Default: false. */
  readonly kill?: boolean;
  /**
   * Returns what the program says of itself, such as how far it is: the page shows it at its top. It is called once a second while a
   * page is open. Lines are kept; what is beyond 2,000 characters is cut. Default: the page shows nothing there.
   */
  readonly status?: () => string;
}

/**
 * A page that is served.
 *
 * @see the example of {@link servePage}
 */
export interface InspectorPage extends AsyncDisposable {
  /** Its address, with the random token. Who has it can see the page. */
  readonly url: string;
  /** Ends the page, and the connections of browsers to it. A further call changes nothing. */
  close(): Promise<void>;
}

const NAMES: Readonly<Record<keyof ServePageOptions, true>> = { port: true, kill: true, status: true };

/**
 * Serves the live page of this program on 127.0.0.1, as `--import @aiopipe/inspector` does, until it is closed or the program ends. It
 * does not keep the program alive. The page shows what was opened after this module was loaded.
 *
 * Throws a TypeError for options that are not right. Rejects with the system's error, such as EADDRINUSE, if there is no page.
 *
 * @example
 * ```ts
 * import { servePage } from '@aiopipe/inspector';
 *
 * let done = 0;
 * await using page = await servePage({ status: () => `${done} images resized` });
 * done++;
 * console.log(new URL(page.url).hostname); // open `page.url` in a browser
 * ```
 * ```text
 * 127.0.0.1
 * ```
 */
export function servePage(options: ServePageOptions = {}): Promise<InspectorPage> {
  check(options);
  const { port = 0, kill = false, status = () => '' } = options;
  return serve({ port, canKill: kill, status }).then(({ url, close }) => ({
    url,
    close,
    [Symbol.asyncDispose]: close,
  }));
}

function check(options: ServePageOptions): void {
  if (typeof options !== 'object' || (options as unknown) === null) {
    throw new TypeError(`options: expected an object, not ${shown(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(NAMES, name)) {
      throw new TypeError(`${name}: unknown option; expected ${Object.keys(NAMES).join(', ')}`);
    }
  }
  const { port, kill, status } = options;
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    throw new TypeError(`port: expected a whole number from 0 to 65535, not ${shown(port)}`);
  }
  if (kill !== undefined && typeof kill !== 'boolean') {
    throw new TypeError(`kill: expected true or false, not ${shown(kill)}`);
  }
  if (status !== undefined && typeof status !== 'function') {
    throw new TypeError(`status: expected a function that returns a string, not ${shown(status)}`);
  }
}

const shown = (value: unknown): string => inspect(value, { depth: 0, customInspect: false, breakLength: Infinity });
