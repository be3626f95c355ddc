import { type EndingLabel, endingOfErrorType, endingOfGrpc, endingOfStatus } from './endings.ts';

/** A counter of requests, and the histogram of their durations. */
export interface ServerMetric {
  readonly requests: string;
  readonly endings: readonly EndingLabel[];
  /** Without `_bucket`. */
  readonly histogram: string;
  /** How many units of the histogram make a second. */
  readonly perSecond: 1 | 1_000;
}

const labels = (read: EndingLabel['read'], ...names: string[]): EndingLabel[] =>
  names.map((label) => ({ label, read }));

const httpEndings = [
  ...labels(endingOfStatus, 'code', 'status', 'status_code', 'statusCode', 'statuscode', 'status_class', 'outcome'),
  ...labels(endingOfStatus, 'http_status', 'http_status_code', 'http_code', 'http_response_status_code'),
  ...labels(endingOfStatus, 'response_code', 'response_status', 'response_code_class', 'code_class', 'result'),
  ...labels(endingOfGrpc, 'grpc_code', 'grpc_status', 'grpc_response_status', 'rpc_grpc_status_code'),
];

/**
 * The metrics of the middlewares of common frameworks, the most common first. Several libraries use the same names: most have
 * `http_requests_total`; express-prom-bundle, fastify-metrics and many Go handlers have only `http_request_duration_seconds`.
 */
export const httpMetrics: readonly ServerMetric[] = [
  seconds('http_requests_total', 'http_request_duration_seconds'),
  seconds('http_request_duration_seconds_count', 'http_request_duration_seconds'),
  // Micrometer: Spring, Quarkus, Micronaut.
  seconds('http_server_requests_seconds_count', 'http_server_requests_seconds'),
  // prometheus-net
  seconds('http_requests_received_total', 'http_request_duration_seconds'),
  // prometheus-client for Rack
  seconds('http_server_requests_total', 'http_server_request_duration_seconds'),
  seconds('flask_http_request_total', 'flask_http_request_duration_seconds'),
  seconds('starlette_requests_total', 'starlette_request_duration_seconds'),
  seconds('django_http_responses_total_by_status_total', 'django_http_requests_latency_seconds_by_view_method'),
  seconds('gin_requests_total', 'gin_request_duration_seconds'),
  seconds('echo_requests_total', 'echo_request_duration_seconds'),
  {
    requests: 'grpc_server_handled_total',
    endings: labels(endingOfGrpc, 'grpc_code', 'code', 'grpc_status', 'status'),
    histogram: 'grpc_server_handling_seconds',
    perSecond: 1,
  },
];

/** A series without a status means that no answer was sent. https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ */
const openTelemetryEndings: readonly EndingLabel[] = [
  { label: 'http_response_status_code', read: endingOfStatus, absent: 'unanswered' },
  { label: 'http_status_code', read: endingOfStatus },
  { label: 'error_type', read: endingOfErrorType },
];
const rpcEndings = [
  ...labels(endingOfGrpc, 'rpc_response_status_code', 'rpc_grpc_status_code'),
  ...labels(endingOfErrorType, 'error_type'),
];

/** The duration of a server's requests, under its present and its former names. */
export const openTelemetryMetrics: readonly ServerMetric[] = [
  {
    ...seconds('http_server_request_duration_seconds_count', 'http_server_request_duration_seconds'),
    endings: openTelemetryEndings,
  },
  {
    requests: 'http_server_duration_milliseconds_count',
    endings: openTelemetryEndings,
    histogram: 'http_server_duration_milliseconds',
    perSecond: 1_000,
  },
  {
    requests: 'rpc_server_call_duration_seconds_count',
    endings: rpcEndings,
    histogram: 'rpc_server_call_duration_seconds',
    perSecond: 1,
  },
  {
    requests: 'rpc_server_duration_milliseconds_count',
    endings: rpcEndings,
    histogram: 'rpc_server_duration_milliseconds',
    perSecond: 1_000,
  },
];

function seconds(requests: string, histogram: string): ServerMetric {
  return { requests, endings: httpEndings, histogram, perSecond: 1 };
}
