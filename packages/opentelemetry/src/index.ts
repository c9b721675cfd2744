/**
 * OpenTelemetry spans and metrics of child processes, pools, programs and calls; traces that cross processes.
 *
 * @module @aiopipe/opentelemetry
 */

export { instrument } from './instrument.js';
