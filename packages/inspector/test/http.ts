// Requests as a browser would send them, and as an attacker would.
import { get, request, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { Snapshot } from '@aiopipe/inspector';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

export function ask(url: string, { method = 'GET', headers = {}, body }: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** What a server-sent event of the page has. */
export interface Message {
  readonly snapshot: Snapshot;
  readonly leftOut: Readonly<Record<string, number>>;
  readonly canKill: boolean;
  readonly status: string;
  readonly events: readonly {
    readonly number: number;
    readonly who: string;
    readonly what: string;
    readonly doing?: string;
    readonly next?: string;
    readonly pid?: number;
    readonly isFailure: boolean;
  }[];
}

/** Takes the messages of a page, one after the other, until the loop is left. */
export async function* messages(url: string): AsyncGenerator<Message, void, undefined> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${url}events`, { agent: false }, resolve).on('error', reject);
  });
  try {
    let unread = '';
    for await (const chunk of response.setEncoding('utf8')) {
      const parts = `${unread}${String(chunk)}`.split('\n\n');
      unread = parts.pop() ?? '';
      for (const part of parts) yield JSON.parse(part.slice(part.indexOf('data: ') + 6)) as Message;
    }
  } finally {
    response.destroy();
  }
}

/** Resolves with the first message for which the condition holds. */
export async function messageWith(url: string, condition: (message: Message) => boolean): Promise<Message> {
  for await (const message of messages(url)) if (condition(message)) return message;
  throw new Error('the program has ended');
}
