import { MessageChannel, Worker } from 'node:worker_threads';
import { target } from '@aiopipe/process';
import { runLaps, type Laps } from '../harness/laps.js';

/** As `pingPong` of ours, with a thread instead of a process. */
export const portPingPong = target(import.meta.url, 'portPingPong', async (laps: Laps, size: number) => {
  const { port1: port, port2 } = new MessageChannel();
  new Worker(new URL('./message-port-echo.js', import.meta.url), { workerData: port2, transferList: [port2] });
  let answered: () => void = () => undefined;
  port.on('message', () => {
    answered();
  });
  const message = new Uint8Array(size);
  await runLaps(laps, async (amount) => {
    for (let i = 0; i < amount; i++) {
      const answer = new Promise<void>((resolve) => {
        answered = resolve;
      });
      port.postMessage(message);
      await answer;
    }
  });
});
