// Starts OpenTelemetry's SDK in this process: node --import ./examples/telemetry.mjs app.mjs
//
// Children inherit --import, so each of them has an SDK, too. Spans go to the collector at OTEL_EXPORTER_OTLP_ENDPOINT, by default
// to port 4318 of this machine, as protobuf over HTTP.
import { createRequire } from 'node:module';
import { instrument } from '@aiopipe/opentelemetry';
import { isChild } from '@aiopipe/process';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'thumbs', 'process.pid': process.pid }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
provider.register();

instrument();
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
// The instrumentation of HTTP changes the module when it is required, and our programs import it.
createRequire(import.meta.url)('node:http');

// instrument() flushes in children. A program must do it itself.
if (!isChild()) process.once('beforeExit', () => void provider.shutdown());
