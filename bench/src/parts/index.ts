import { type Part } from '../harness/part.js';
import { core } from './core.js';

/** Every part by the name that it is called with, in the order in which they run. */
export const parts: ReadonlyMap<string, Part> = new Map([['core', core]]);
