import { workerData } from 'node:worker_threads';
import { expose, type Endpoint } from 'comlink';
import { adder } from './calling.js';

expose(adder, workerData as Endpoint);
