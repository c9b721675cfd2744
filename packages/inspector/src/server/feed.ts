import { type ServerResponse } from 'node:http';
import { tellFault } from '../fault.js';
import { type EventLog } from '../log/event-log.js';
import { type ProcessTree } from '../proc/tree.js';
import { takeSnapshot } from '../snapshot/snapshot.js';
import { type Clusters } from '../watch/clusters.js';
import { bounded, type PageMessage } from './message.js';

/** Milliseconds between two messages. */
const INTERVAL = 1000;
/** Pages that can be open at once. */
const MOST_PAGES = 8;

/** Characters of what the program says of itself. */
const LONGEST_STATUS = 2000;

export interface FeedSettings {
  readonly canKill: boolean;
  /** Returns what the program says of itself. */
  readonly status: () => string;
}

interface Page {
  readonly response: ServerResponse;
  /** The number of the last event that it has got. */
  lastEvent: number;
}

/**
 * Sends each open page a message a second. Nothing is looked at while no page is open. A page that does not read gets no more
 * messages until it has read those that it was sent: one of them waits in this process at most.
 */
export class Feed {
  readonly #pages = new Set<Page>();
  readonly #tree: ProcessTree;
  readonly #log: EventLog;
  readonly #clusters: Clusters;
  readonly #settings: FeedSettings;
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;

  constructor(
    { tree, log, clusters }: { tree: ProcessTree; log: EventLog; clusters: Clusters },
    settings: FeedSettings,
  ) {
    this.#tree = tree;
    this.#log = log;
    this.#clusters = clusters;
    this.#settings = settings;
  }

  get isFull(): boolean {
    return this.#pages.size >= MOST_PAGES;
  }

  /** @param lastEvent - the number of the last event that the page has got before its connection was lost */
  add(response: ServerResponse, lastEvent: number): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const page = { response, lastEvent };
    this.#pages.add(page);
    response.on('close', () => {
      this.#pages.delete(page);
      if (this.#pages.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
    this.#timer ??= setInterval(() => {
      this.#look();
    }, INTERVAL).unref();
    this.#look();
  }

  /** Reads `/proc` in short pieces, so that the program goes on in between, and then sends what there is. */
  #look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#clusters.ask();
    const pieces = this.#tree.update();
    const next = () => {
      try {
        if (pieces.next().done !== true) {
          // One that is unref'd waits until something else wakes the event loop. The pieces are few, so the program's end waits for milliseconds.
          setImmediate(next);
          return;
        }
        this.#send();
      } catch (error) {
        tellFault(error);
      }
      this.#isLooking = false;
    };
    next();
  }

  #send(): void {
    const readers = [...this.#pages].filter(({ response }) => !response.writableNeedDrain);
    if (readers.length === 0) return;
    const { canKill } = this.#settings;
    const shared = { ...bounded(takeSnapshot(this.#tree)), canKill, status: this.#status() };
    const start = JSON.stringify(shared).slice(0, -1);
    for (const page of readers) {
      const events: PageMessage['events'] = this.#log.since(page.lastEvent);
      page.lastEvent = this.#log.count;
      page.response.write(`id: ${String(page.lastEvent)}\ndata: ${start},"events":${JSON.stringify(events)}}\n\n`);
    }
  }

  #status(): string {
    try {
      return this.#settings.status().slice(0, LONGEST_STATUS);
    } catch (error) {
      tellFault(error);
      return '';
    }
  }
}
