import { type Part } from '../harness/part.js';
import { bytes } from './bytes.js';
import { calls } from './calls.js';
import { chains } from './chains.js';
import { channels } from './channels.js';
import { codec } from './codec.js';
import { growth } from './growth.js';
import { loop } from './loop.js';
import { machines } from './machines.js';
import { memory } from './memory.js';
import { overviewOf } from './overview.js';
import { processes } from './processes.js';
import { servers } from './servers.js';
import { terminals } from './terminals.js';

const ofLayers: ReadonlyMap<string, Part> = new Map([
  ['bytes', bytes],
  ['codec', codec],
  ['channels', channels],
  ['memory', memory],
  ['calls', calls],
  ['processes', processes],
  ['servers', servers],
  ['machines', machines],
  ['chains', chains],
  ['terminals', terminals],
  ['growth', growth],
  ['loop', loop],
]);

/** Every part by the name that it is called with, in the order in which they run. */
export const parts: ReadonlyMap<string, Part> = new Map([['overview', overviewOf(ofLayers)], ...ofLayers]);
