import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { aioduplex, aiopipe } from '@aiopipe/core';
import { target } from '@aiopipe/process';
import { runLaps, type Laps } from '../harness/laps.js';
import { CONFIRMATION, makeHeader, makeTransport, type Transfer } from './transport.js';

/** As `transfer` of ours: the same descriptors, with a net.Socket on each. */
export const netTransfer = target(import.meta.url, 'netTransfer', async (laps: Laps, spec: Transfer) => {
  const [input, output] = makeTransport(spec);
  const [confirmed, confirm] = aiopipe();
  startChild('./net-consumer.js', [input.release(), confirm.release()]);
  const socket = new Socket({ fd: output.release(), readable: false, writable: true });
  const confirmations = new Bytes(new Socket({ fd: confirmed.release(), readable: true, writable: false }));
  const data = Buffer.alloc(spec.size, 'x');
  await runLaps(laps, async (amount) => {
    const done = confirmations.arrival(CONFIRMATION.length);
    socket.write(makeHeader(amount * spec.size));
    for (let i = 0; i < amount; i++) {
      if (!socket.write(data)) await drained(socket);
    }
    await done;
  });
});

/** As `pingPong` of ours. */
export const netPingPong = target(import.meta.url, 'netPingPong', async (laps: Laps, size: number) => {
  const [here, there] = aioduplex();
  startChild('./net-echo.js', [there.release()]);
  const socket = new Socket({ fd: here.release(), readable: true, writable: true });
  const answers = new Bytes(socket);
  const message = Buffer.alloc(size, 'x');
  await runLaps(laps, async (amount) => {
    for (let i = 0; i < amount; i++) {
      const answer = answers.arrival(size);
      socket.write(message);
      await answer;
    }
  });
});

/** With the descriptors from 3 on, which are closed here. It ends when they do at their other side. */
function startChild(script: string, fds: readonly number[]): void {
  spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url))], {
    stdio: ['ignore', 'ignore', 'inherit', ...fds],
  });
  fds.forEach((fd) => {
    closeSync(fd);
  });
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('drain', resolve);
  });
}

/** Tells when so many bytes have come. */
class Bytes {
  #missing = 0;
  #done: (() => void) | undefined;

  constructor(socket: Socket) {
    socket.on('data', (chunk) => {
      this.#missing -= chunk.length;
      if (this.#missing === 0) this.#done?.();
    });
  }

  /** To be called before they can come. */
  arrival(count: number): Promise<void> {
    this.#missing = count;
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }
}
