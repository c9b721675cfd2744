/** Names our tracer and meter, as OpenTelemetry asks of an instrumentation. */
export const SCOPE = '@aiopipe/opentelemetry';
