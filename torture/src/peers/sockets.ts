// Connections of Node's sockets and servers move to two workers, or come to them over a server that they share.
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once, type EventEmitter } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { channel, type ChannelReader, type ChannelWriter } from '@aiopipe/codec';
import { startProcess, target, type ProcessExit, type ProcessHandle } from '@aiopipe/process';
import { pattern } from '@aiopipe/testing';
import { isClear } from '../failures.js';
import { pause } from '../targets.js';
import { type World } from '../world.js';

/** A connection on its way. */
interface Passed {
  readonly socket: Socket;
  /** Whether the worker that gets it hands it on to the other one. */
  readonly goesOn: boolean;
}

/** Sends the process id, and then all that comes. */
function echo(socket: Socket): void {
  ignoreErrors(socket);
  socket.write(greeting());
  socket.pipe(socket);
}

/** The first bytes of each connection and datagram: which process serves it. */
const greeting = () => Buffer.from(String(process.pid).padStart(GREETING));
const GREETING = 10;

/** Serves the connections that come over its channels, or hands them on; and those of a server and a datagram socket that it shares. */
export const servesSockets = target(
  import.meta.url,
  'servesSockets',
  async (
    own: ChannelReader<Passed>,
    fromOther: ChannelReader<Passed>,
    toOther: ChannelWriter<Passed>,
    server: Server,
    datagrams: Datagrams,
  ) => {
    server.on('connection', echo);
    datagrams.on('message', (bytes, { port, address }) => {
      datagrams.send(Buffer.concat([greeting(), bytes]), port, address, () => undefined);
    });
    const others = (async () => {
      for await (const { socket } of fromOther) echo(socket);
    })();
    for await (const { socket, goesOn } of own) {
      if (!goesOn) echo(socket);
      // If the other worker has gone, the connection ends.
      else await toOther.put({ socket, goesOn: false }).catch(() => undefined);
    }
    toOther.close();
    await others;
    server.close();
    datagrams.close();
  },
);

/** A connection that has begun. */
interface Begun {
  readonly client: Socket;
  readonly sent: Buffer;
  /** The workers that may have it. */
  readonly pids: readonly (number | undefined)[];
}

/** A connection that did not bring all bytes back. */
export interface Broken {
  readonly what: string;
  /** The workers that may have had it. */
  readonly pids: readonly (number | undefined)[];
}

/** Two workers, the server whose connections move to them, and the ports that they share. */
export class SocketWorkers implements AsyncDisposable {
  readonly #world: World;
  readonly #server = createServer({ allowHalfOpen: true });
  readonly #ways: ChannelWriter<Passed>[] = [];
  readonly handles: ProcessHandle<unknown>[] = [];
  #sharedPort = 0;
  #datagramPort = 0;

  constructor(world: World) {
    this.#world = world;
  }

  async start(): Promise<void> {
    const shared = createServer({ allowHalfOpen: true });
    const datagrams = createSocket('udp4');
    for (const each of [this.#server, shared, datagrams]) ignoreErrors(each);
    try {
      for (const server of [this.#server, shared]) await once(server.listen(0, '127.0.0.1'), 'listening');
      await once(datagrams.bind(0, '127.0.0.1'), 'listening');
      this.#startWorkers(shared, datagrams);
      this.#sharedPort = portOf(shared);
      this.#datagramPort = datagrams.address().port;
    } finally {
      // From here on the workers alone have them.
      shared.close();
      datagrams.close();
    }
  }

  #startWorkers(shared: Server, datagrams: Datagrams): void {
    const own = [channel<Passed>(), channel<Passed>()] as const;
    const across = [channel<Passed>(), channel<Passed>()] as const;
    using _own = disposeAll(own.map(([from]) => from));
    using _across = disposeAll(across.flat());
    this.#ways.push(...own.map(([, to]) => to));
    for (const index of [0, 1] as const) {
      const [fromOther] = across[index === 0 ? 1 : 0];
      const handle = startProcess(servesSockets, {
        args: [own[index][0], fromOther, across[index][1], shared, datagrams],
        stderr: 'ignore',
      });
      handle.result.catch(() => undefined);
      this.handles.push(handle);
    }
  }

  /** Makes connections of all kinds. Returns those that broke. */
  async exchange(count: number): Promise<Broken[]> {
    const exchanges: Promise<Broken[]>[] = [];
    let begun: Begun | undefined;
    for (let n = count; n > 0 && begun?.client.destroyed !== true; n--) {
      begun = await this.#move();
      exchanges.push(this.#finish(begun), this.#finish(this.#share()));
    }
    const broken = (await Promise.all(exchanges)).flat();
    await this.#sendDatagrams();
    return broken;
  }

  /** Makes a connection, and moves it to a worker, perhaps with bytes that have come, and perhaps through the other worker. */
  async #move(): Promise<Begun> {
    const world = this.#world;
    const client = patientClient(portOf(this.#server));
    const first = pattern(world.between(0, 20_000));
    client.write(first);
    const index = world.between(0, 1);
    const goesOn = world.between(0, 2) === 0;
    const [socket] = await eitherEvent([this.#server, 'connection'], [client, 'close']);
    if (socket instanceof Object) await this.#hand(socket as Socket, index, goesOn);
    const pids = this.handles.map(({ pid }) => pid);
    return { client, sent: first, pids: goesOn ? pids : pids.slice(index, index + 1) };
  }

  async #hand(socket: Socket, index: number, goesOn: boolean): Promise<void> {
    ignoreErrors(socket);
    if (this.#world.between(0, 1) === 0) await eitherEvent([socket, 'readable'], [socket, 'close']);
    try {
      await this.#ways[index]?.put({ socket, goesOn });
    } catch (error) {
      this.#world.check(isClear(error), `moving a socket: ${String((error as Error).stack)}`);
      socket.destroy();
    }
  }

  #share(): Begun {
    const client = patientClient(this.#sharedPort);
    const pids = this.handles.map(({ pid }) => pid);
    return { client, sent: Buffer.alloc(0), pids };
  }

  /** Sends the rest of the bytes, and reads all that come back. */
  async #finish({ client, sent, pids }: Begun): Promise<Broken[]> {
    const rest = pattern(this.#world.between(0, this.#world.pick([1000, 300_000])));
    const chunks: Buffer[] = [];
    client.on('data', (chunk: Buffer) => chunks.push(chunk));
    if (!client.destroyed) {
      client.end(rest);
      await eitherEvent([client, 'close']);
    }
    const got = Buffer.concat(chunks);
    const pid = got.length < GREETING ? undefined : Number(got.subarray(0, GREETING));
    const bytes = got.subarray(GREETING);
    const whole = Buffer.concat([sent, rest]);
    this.#world.check(bytes.equals(whole.subarray(0, bytes.length)), 'a connection brought other bytes than were sent');
    this.#world.count('bytes', bytes.length);
    if (pid !== undefined && bytes.length === whole.length) return [];
    const what = `a connection of process ${String(pid)} brought ${String(bytes.length)} of ${String(whole.length)} bytes`;
    return [{ what, pids: pid === undefined ? pids : [pid] }];
  }

  /** Each datagram is answered once, if at all. */
  async #sendDatagrams(): Promise<void> {
    const client = createSocket('udp4');
    ignoreErrors(client);
    const answered = new Set<string>();
    client.on('message', (bytes) => {
      const what = String(bytes.subarray(GREETING));
      this.#world.check(!answered.has(what), `datagram ${what} was answered twice`);
      answered.add(what);
      this.#world.count('messages');
    });
    for (let n = 0; n < 50; n++) {
      await new Promise((resolve) => {
        client.send(String(n), this.#datagramPort, '127.0.0.1', resolve);
      });
    }
    await pause(20);
    client.close();
  }

  /** Lets the workers end, and resolves with how each has ended. */
  async end(): Promise<readonly (ProcessExit | undefined)[]> {
    this.#server.close();
    for (const way of this.#ways) way[Symbol.dispose]();
    return Promise.all(this.handles.map((handle) => handle.join({ timeout: 30_000 }).catch(() => undefined)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

/** Milliseconds without a byte after which a client leaves: a connection may wait for ever if no server can accept it. */
const PATIENCE = 15_000;

function patientClient(port: number): Socket {
  const client = connect(port, '127.0.0.1');
  ignoreErrors(client);
  return client.setTimeout(PATIENCE, () => client.destroy());
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** 'close' tells of them, too. */
function ignoreErrors(object: EventEmitter): void {
  object.on('error', () => undefined);
}

/** Resolves with the arguments of the event that comes first. */
function eitherEvent(...events: (readonly [EventEmitter, string])[]): Promise<unknown[]> {
  return new Promise((resolve) => {
    const listeners = events.map(([emitter, name]) => {
      const listener = (...args: unknown[]) => {
        for (const each of listeners) each();
        resolve(args);
      };
      emitter.on(name, listener);
      return () => emitter.off(name, listener);
    });
  });
}

const disposeAll = (all: readonly Disposable[]): Disposable => ({
  [Symbol.dispose]() {
    for (const each of all) each[Symbol.dispose]();
  },
});
