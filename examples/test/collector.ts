// A collector of traces, and how it lists them.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo } from 'node:net';
// The messages of OTLP, as OpenTelemetry generates them from its definitions. Later versions can only write them.
import messages from 'otlp-messages/build/src/generated/root.js';

interface MessageType {
  decode(bytes: Uint8Array): unknown;
  toObject(message: unknown, options: object): unknown;
}

interface Messages {
  readonly opentelemetry: {
    readonly proto: { readonly collector: { readonly trace: { readonly v1: Record<string, MessageType> } } };
  };
}

const { v1 } = (messages as unknown as Messages).opentelemetry.proto.collector.trace;
const ExportTraceServiceRequest = v1['ExportTraceServiceRequest'] as MessageType;

export interface Span {
  readonly name: string;
  readonly kind: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly pid: number;
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly intValue?: string };
}

/** One request of an exporter, as plain data. */
interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

function spansOf(body: Buffer): Span[] {
  const decoded = ExportTraceServiceRequest.toObject(ExportTraceServiceRequest.decode(body), {
    longs: String,
    enums: String,
    bytes: String,
  }) as Export;
  return decoded.resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const pid = Number(resource.attributes.find(({ key }) => key === 'process.pid')?.value.intValue);
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, pid })));
  });
}

/** Receives what exporters send, as a collector does: OTLP, protobuf over HTTP. */
export async function startCollector(): Promise<{ url: string; spans: Span[]; close: () => void }> {
  const spans: Span[] = [];
  const receive = async (request: IncomingMessage) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url === '/v1/traces') spans.push(...spansOf(Buffer.concat(chunks)));
  };
  const server = createServer((request, response) => {
    void receive(request).then(() => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${String(port)}`, spans, close };
}

export const milliseconds = ({ startTimeUnixNano: start, endTimeUnixNano: end }: Span): number =>
  Number(BigInt(end) - BigInt(start)) / 1e6;

/** The spans below a parent, as Jaeger lists them. */
export function listed(
  spans: readonly Span[],
  parent: string | undefined,
  show: (span: Span) => string,
  depth = 0,
): string[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .sort((a, b) => Number(BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)))
    .flatMap((span) => [`${'  '.repeat(depth)}${show(span)}`, ...listed(spans, span.spanId, show, depth + 1)]);
}
