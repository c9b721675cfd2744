import { Socket } from 'node:net';
import { aioduplex, aiopipe } from '@aiopipe/core';
import { target } from '@aiopipe/process';
import { runLaps, type Laps } from '../harness/laps.js';
import { drained, startScript } from '../harness/sockets.js';
import { CONFIRMATION, makeHeader, makeTransport, type Transfer } from './transport.js';

/** As `transfer` of ours: the same descriptors, with a net.Socket on each. */
export const netTransfer = target(import.meta.url, 'netTransfer', async (laps: Laps, spec: Transfer) => {
  const [input, output] = makeTransport(spec);
  const [confirmed, confirm] = aiopipe();
  startScript(new URL('./net-consumer.js', import.meta.url), [input.release(), confirm.release()]);
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
  startScript(new URL('./net-echo.js', import.meta.url), [there.release()]);
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
