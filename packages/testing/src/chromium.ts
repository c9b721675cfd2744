// Drives a headless Chromium by the DevTools protocol over two pipes: a program of the system, and no package.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { findProgram } from './find-program.js';
import { until } from './wait.js';

/** The path of Chromium; undefined if there is none. */
export const chromium = ['chromium', 'chromium-headless-shell', 'google-chrome'].map(findProgram).find(Boolean);

type Result = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Result;
  readonly result?: Result;
  readonly error?: { readonly message: string };
}

export class Browser {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #listeners = new Map<string, (message: Message) => void>();
  readonly #ended: Promise<void>;
  #count = 0;

  constructor() {
    this.#profile = mkdtempSync(join(tmpdir(), 'aiopipe-chromium-'));
    const options = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      '--remote-debugging-pipe',
      `--user-data-dir=${this.#profile}`,
    ];
    // In a process group of its own: it has many processes, and all of them end with it.
    this.#child = spawn(chromium as string, options, {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.#ended = new Promise((resolve) => this.#child.once('close', () => resolve()));
    let unread = '';
    (this.#child.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => {
      const messages = `${unread}${text}`.split('\0');
      unread = messages.pop() ?? '';
      for (const message of messages) this.#hear(JSON.parse(message) as Message);
    });
  }

  #hear(message: Message): void {
    if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
    else this.#listeners.get(message.sessionId ?? '')?.(message);
  }

  async send(method: string, params: Result = {}, sessionId?: string): Promise<Result> {
    const id = ++this.#count;
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { result = {}, error } = await answer;
    this.#waiting.delete(id);
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  async open(url: string): Promise<Page> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page((method, params) => this.send(method, params, sessionId as string));
    this.#listeners.set(sessionId as string, ({ method, params }) => {
      page.hear(method ?? '', params ?? {});
    });
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await page.send(`${domain}.enable`);
    await page.send('Page.navigate', { url });
    return page;
  }

  async close(): Promise<void> {
    await this.send('Browser.close').catch(() => undefined);
    await this.#ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Modifiers, and the codes of keys that have no text. */
const KEYS: Readonly<Record<string, { readonly keyCode: number; readonly text?: string }>> = {
  Tab: { keyCode: 9 },
  Enter: { keyCode: 13, text: '\r' },
  Escape: { keyCode: 27 },
};

/** What a page looks like. */
export interface Look {
  /** `400 pixels, light` */
  readonly what: string;
  /** Pixels that lie beside the window. */
  readonly overflow: number;
  /** Elements that can be scrolled sideways. */
  readonly wide: number;
  readonly background: string;
}

const LOOK = `({
  overflow: Math.max(document.documentElement.scrollWidth - document.documentElement.clientWidth, 0),
  wide: [...document.querySelectorAll('.scroll')].filter((one) => one.scrollWidth > one.clientWidth).length,
  background: getComputedStyle(document.body).backgroundColor,
})`;

export class Page {
  readonly send: (method: string, params?: Result) => Promise<Result>;
  /** What the console, the log of the browser or an uncaught exception said. */
  readonly errors: string[] = [];

  constructor(send: Page['send']) {
    this.send = send;
  }

  hear(method: string, params: Result): void {
    const isError = (level: unknown) => level === 'error' || level === 'warning' || level === 'assert';
    const isWrong =
      method === 'Runtime.exceptionThrown' ||
      (method === 'Runtime.consoleAPICalled' && isError(params['type'])) ||
      (method === 'Log.entryAdded' && isError((params['entry'] as Result)['level']));
    if (isWrong) this.errors.push(JSON.stringify(params));
  }

  /** Resolves with the value of an expression in the page; if that is a promise, with its value. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { readonly value: Value }).value;
  }

  /** The text that is shown of an element, as a person sees it. */
  text(selector: string): Promise<string> {
    return this.evaluate(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ''`);
  }

  /** Resolves when an element shows a text. */
  async shows(selector: string, text: string | RegExp): Promise<void> {
    let last = '';
    const found = async () => {
      last = await this.text(selector);
      return typeof text === 'string' ? last.includes(text) : text.test(last);
    };
    await until(`${selector} shows ${String(text)}`, found).catch((error: unknown) => {
      throw new Error(`${selector} shows: ${last.slice(0, 2000)}`, { cause: error });
    });
  }

  async press(key: string): Promise<void> {
    const { keyCode, text } = KEYS[key] ?? { keyCode: 0 };
    const event = { key, code: key, windowsVirtualKeyCode: keyCode, ...(text && { text }) };
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  }

  /**
   * Lays the page out at 400 and 1400 pixels, in light and dark, and resolves with what each of these looks like. AIOPIPE_SCREENSHOTS names
   * a folder for pictures of them.
   */
  async looks(name: string): Promise<Look[]> {
    const looks: Look[] = [];
    for (const width of [400, 1400]) {
      for (const scheme of ['light', 'dark']) {
        const size = { width, height: 900, deviceScaleFactor: 1, mobile: false };
        await this.send('Emulation.setDeviceMetricsOverride', size);
        await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
        const isTold = `innerWidth === ${String(width)} && matchMedia('(prefers-color-scheme: ${scheme})').matches`;
        await until('it knows its width and scheme', () => this.evaluate(isTold));
        // A page that hears of the scheme by an event hears of it before it draws.
        await this.evaluate(
          'new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn(true))))',
        );
        looks.push({ ...(await this.evaluate<Omit<Look, 'what'>>(LOOK)), what: `${String(width)} pixels, ${scheme}` });
        const { data } = await this.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
        const folder = process.env['AIOPIPE_SCREENSHOTS'];
        const file = `${name}-${String(width)}-${scheme}.png`;
        if (folder !== undefined) writeFileSync(join(folder, file), Buffer.from(data as string, 'base64'));
      }
    }
    return looks;
  }
}
