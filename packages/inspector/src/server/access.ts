import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type IncomingMessage } from 'node:http';

/** A short answer: its status, and what it says. */
export class Answer {
  readonly status: number;
  readonly text: string;

  constructor(status: number, text: string) {
    this.status = status;
    this.text = text;
  }
}

/**
 * Decides which requests are answered. A web site that is open in a browser of this machine can send requests to 127.0.0.1, also
 * with a name of its own that leads there. It cannot know the token, it does not have our origin, and its name stands in `Host`.
 */
export class Access {
  readonly token = randomBytes(24).toString('base64url');
  readonly #host: string;

  constructor(port: number) {
    // As browsers send it: without the port if that is 80.
    this.#host = new URL(`http://127.0.0.1:${String(port)}`).host;
  }

  get url(): string {
    return `http://${this.#host}/${this.token}/`;
  }

  /** Returns the path after the token. */
  check({ headers, method, url = '' }: IncomingMessage): string | Answer {
    if (headers.host !== this.#host) return new Answer(403, `The host must be ${this.#host}.`);
    const { origin } = headers;
    // Browsers send it with each POST.
    const isOurs = origin === undefined ? method !== 'POST' : origin === `http://${this.#host}`;
    if (!isOurs) return new Answer(403, 'Other origins are refused.');
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      return new Answer(403, 'Requests of other sites are refused.');
    }
    const [, token = '', path] = /^\/([^/?]*)(\/[^?]*)?/.exec(url) ?? [];
    if (!this.#isToken(token)) {
      return new Answer(403, 'The token is missing or wrong. The program has printed the whole URL to its stderr.');
    }
    return path ?? '';
  }

  #isToken(text: string): boolean {
    const [given, own] = [Buffer.from(text), Buffer.from(this.token)];
    return given.length === own.length && timingSafeEqual(given, own);
  }
}
