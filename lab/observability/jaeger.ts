import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { freePort } from '../programs/processes.ts';
import { goProgram } from '../programs/program.ts';
import { versions } from '../programs/versions.ts';
import { waitUntil } from '../programs/wait.ts';
import { send, sendJson } from './send.ts';
import { type Server, startServer } from './server.ts';

// Without its pages, which the module lacks: it serves a note in their place.
const executable = goProgram('jaeger', {
  module: 'github.com/jaegertracing/jaeger',
  version: versions.jaeger,
  package: 'github.com/jaegertracing/jaeger/cmd/jaeger',
});

export const { build, isBuilt } = executable;

const never = new AbortController().signal;

export interface JaegerServer extends Server {
  /** Where spans are sent by OTLP/HTTP. */
  readonly collector: string;
}

interface Options {
  /** Address of an OpenSearch that keeps the traces; without it they are in memory. */
  readonly opensearch?: string;
}

/** Starts Jaeger with its query API and a collector of OTLP. */
export async function start({ opensearch }: Options = {}): Promise<JaegerServer> {
  const [query, queryGrpc, collector, health] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const server = await startServer('jaeger', async (folder) => {
    const config = join(folder, 'config.json');
    // JSON is YAML.
    await writeFile(config, JSON.stringify(configuration({ query, queryGrpc, collector, health, opensearch })));
    return {
      argv: [executable.path, `--config=${config}`],
      address: `http://127.0.0.1:${query}`,
      ready: `http://127.0.0.1:${health}/status`,
    };
  });
  return { ...server, collector: `http://127.0.0.1:${collector}` };
}

interface Places {
  readonly query: number;
  readonly queryGrpc: number;
  readonly collector: number;
  readonly health: number;
  readonly opensearch: string | undefined;
}

function configuration({ query, queryGrpc, collector, health, opensearch }: Places) {
  const at = (port: number) => ({ endpoint: `127.0.0.1:${port}` });
  const store =
    opensearch === undefined ? { memory: { max_traces: 100_000 } } : { opensearch: { server_urls: [opensearch] } };
  return {
    service: {
      extensions: ['jaeger_storage', 'jaeger_query', 'healthcheckv2'],
      pipelines: { traces: { receivers: ['otlp'], processors: ['batch'], exporters: ['jaeger_storage_exporter'] } },
      telemetry: { metrics: { level: 'none' } },
    },
    extensions: {
      jaeger_query: { storage: { traces: 'store' }, http: at(query), grpc: at(queryGrpc) },
      jaeger_storage: { backends: { store } },
      healthcheckv2: { use_v2: true, http: at(health) },
    },
    receivers: { otlp: { protocols: { http: at(collector) } } },
    processors: { batch: { timeout: '10ms' } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'store' } },
  };
}

export interface Span {
  readonly service: string;
  readonly operation: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Milliseconds. */
  readonly duration: number;
  /** 32 hexadecimal digits, one that no other span of the lab has by default. */
  readonly trace?: string;
  /** Status and tag `error`. */
  readonly isError?: boolean;
  readonly tags?: Readonly<Record<string, string | number | boolean>>;
  /** What is said of the whole process: `service.version`. */
  readonly resource?: Readonly<Record<string, string>>;
}

/** Sends spans, each a trace of its own where it names none, and waits until Jaeger gives each of them. */
export async function putSpans(server: JaegerServer, spans: readonly Span[]): Promise<void> {
  const traced = spans.map((span) => ({ ...span, trace: span.trace ?? randomBytes(16).toString('hex') }));
  await sendJson(server.collector, '/v1/traces', { resourceSpans: traced.map(resourceSpan) });
  const traces = Map.groupBy(traced, ({ trace }) => trace);
  for (const [trace, sent] of traces) {
    await waitUntil(async () => (await spansOf(server.address, trace)) >= sent.length, {
      what: `trace ${trace} in Jaeger`,
      timeout: 60_000,
      signal: never,
    });
  }
}

const traceAnswer = z.object({ data: z.array(z.object({ spans: z.array(z.unknown()) })) });

async function spansOf(address: string, trace: string): Promise<number> {
  const text = await send(address, `/api/traces/${trace}`).catch((error: unknown) => {
    // A trace that is not there yet is answered with 404. A LabError would end the wait.
    throw new Error('Jaeger does not give the trace', { cause: error });
  });
  const { data } = traceAnswer.parse(JSON.parse(text));
  return data.reduce((sum, { spans }) => sum + spans.length, 0);
}

/** As OTLP writes it in JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
function resourceSpan(span: Span & { readonly trace: string }) {
  const nanoseconds = (milliseconds: number) => `${BigInt(Math.round(milliseconds * 1_000)) * 1_000n}`;
  return {
    resource: { attributes: attributesOf({ 'service.name': span.service, ...span.resource }) },
    scopeSpans: [
      {
        spans: [
          {
            traceId: span.trace,
            spanId: randomBytes(8).toString('hex'),
            name: span.operation,
            kind: 2,
            startTimeUnixNano: nanoseconds(span.at),
            endTimeUnixNano: nanoseconds(span.at + span.duration),
            attributes: attributesOf(span.tags ?? {}),
            status: span.isError ? { code: 2 } : {},
          },
        ],
      },
    ],
  };
}

function attributesOf(tags: Readonly<Record<string, string | number | boolean>>) {
  return Object.entries(tags).map(([key, value]) => ({ key, value: attributeValue(value) }));
}

function attributeValue(value: string | number | boolean) {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: `${value}` } : { doubleValue: value };
}
