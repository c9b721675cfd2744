/**
 * `node --import @aiopipe/opentelemetry/register app.js`: instruments this process, and the children that inherit `--import`.
 *
 * @module
 */
import { instrument } from './instrument.js';

instrument();
