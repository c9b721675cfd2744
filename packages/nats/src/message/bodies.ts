import { DecodeError } from '@aiopipe/codec';
import { handled, within } from '@aiopipe/core/internal';
import { Objm, type ObjectStore } from '@nats-io/obj';
import { StorageType } from '@nats-io/jetstream';
import { nuid, type MsgHdrs } from '@nats-io/transport-node';
import { type Engine } from '../engine/engine.js';
import { isTransient } from '../engine/failures.js';
import { HEADER } from '../engine/headers.js';
import { serverAge } from '../engine/server-numbers.js';

/** Bytes of a message that its headers may take. */
const HEADERS = 65_536;

/** Milliseconds after which an object that is being read is looked at again. */
const LOOK = 2000;

/** How a cluster keeps its data. */
export interface Keeping {
  readonly replicas: number;
  readonly storage: 'file' | 'memory';
}

/** Where long messages lie. */
export interface Bucket {
  readonly name: string;
  /** Milliseconds after which the server drops an object. Default: never; it is removed with its message. */
  readonly maxAge?: number;
}

/**
 * The bytes of messages. Those over the server's `max_payload` lie in the Object Store, and the message has the object's name.
 */
export class Bodies {
  readonly #engine: Engine;
  readonly #bucket: Bucket;
  readonly #keeping: Keeping;
  readonly #longest: number;
  #store: Promise<ObjectStore> | undefined;

  /** @param longest - bytes of the longest message */
  constructor(engine: Engine, bucket: Bucket, keeping: Keeping, longest: number) {
    this.#engine = engine;
    this.#bucket = bucket;
    this.#keeping = keeping;
    this.#longest = longest;
  }

  /** The most bytes of a message that needs no object. */
  get most(): number {
    return (this.#engine.nc.info?.max_payload ?? 1024 * 1024) - HEADERS;
  }

  /** Returns the bytes to send. If they are too many, they are stored, and a header names the object. */
  async pack(bytes: Uint8Array, headers: MsgHdrs): Promise<Uint8Array> {
    if (bytes.length <= this.most) return bytes;
    const name = nuid.next();
    const store = await this.#open();
    const put = () => store.putBlob({ name }, bytes);
    await this.#engine.insist(put, `the object of a message of ${String(bytes.length)} bytes`);
    headers.set(HEADER.object, name);
    return new Uint8Array();
  }

  /** Returns the bytes of a message. Rejects with DecodeError if its object is gone or over the limit. */
  async unpack(data: Uint8Array, object: string | undefined): Promise<Uint8Array> {
    if (object === undefined) return data;
    const store = await this.#open();
    const what = `the object ${object} of a message`;
    const info = await this.#engine.insist(() => store.info(object), what);
    if (info === null || info.deleted) throw new DecodeError(`${what} is gone`, { fatal: false });
    if (info.size > this.#longest) {
      throw new DecodeError(
        `${what} has ${String(info.size)} bytes, over the limit of ${String(this.#longest)} (maxMessageLength)`,
        { fatal: false },
      );
    }
    const bytes = await this.#engine.insist(() => read(store, object), what);
    if (bytes === null) throw new DecodeError(`${what} is gone`, { fatal: false });
    return bytes;
  }

  /** Removes the object of a message that was handled. */
  remove(object: string | undefined): void {
    if (object === undefined) return;
    void handled(this.#open().then((store) => this.#engine.insist(() => store.delete(object), `the object ${object}`)));
  }

  #open(): Promise<ObjectStore> {
    if (this.#store !== undefined) return this.#store;
    this.#store = handled(this.#engine.insist(() => this.#create(), `the bucket ${this.#bucket.name}`));
    this.#store.catch(() => {
      this.#store = undefined;
    });
    return this.#store;
  }

  async #create(): Promise<ObjectStore> {
    const buckets = new Objm(this.#engine.js);
    const { name, maxAge } = this.#bucket;
    const { replicas, storage } = this.#keeping;
    try {
      return await buckets.open(name);
    } catch (error) {
      if (isTransient(error)) throw error;
      return await buckets.create(name, {
        replicas,
        storage: storage === 'file' ? StorageType.File : StorageType.Memory,
        ...(maxAge !== undefined && { ttl: serverAge(maxAge) }),
      });
    }
  }
}

/** Reads an object; resolves with null if it is gone. If it is removed meanwhile, the client waits for the rest without end. */
async function read(store: ObjectStore, object: string): Promise<Uint8Array | null> {
  const bytes = handled(store.getBlob(object));
  let isRead = false;
  const settled = bytes.then(
    () => (isRead = true),
    () => (isRead = true),
  );
  for (;;) {
    await within(settled, LOOK);
    if (isRead) return bytes;
    const info = await store.info(object);
    if (info === null || info.deleted) return null;
  }
}
