/**
 * Returns the environment variable for a field of a propagator, as OpenTelemetry's specification of environment variables as
 * carriers names it: `traceparent` is `TRACEPARENT`, `x-b3-traceid` is `X_B3_TRACEID`.
 */
export function variableName(field: string): string {
  const name = field.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_');
  return /^[0-9]/.test(name) ? `_${name}` : name;
}
