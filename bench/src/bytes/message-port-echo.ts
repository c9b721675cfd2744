import { workerData, type MessagePort } from 'node:worker_threads';

const port = workerData as MessagePort;
port.on('message', (message) => {
  port.postMessage(message);
});
