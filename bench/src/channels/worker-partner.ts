import { workerData } from 'node:worker_threads';
import { serveLink } from './link.js';
import { portLink, type WorkerTask } from './worker.js';

const { ports, spec } = workerData as WorkerTask;
for (const port of ports) serveLink(portLink(port), spec);
