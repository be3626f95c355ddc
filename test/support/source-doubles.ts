import type { AskedRequest, JsonAnswer } from './json-server.ts';

export type AnswerOfDouble = (request: AskedRequest) => JsonAnswer;

/** Now, for sources that are asked in tests: 28 November 2026, 12:00 UTC. */
export const NOW = Date.UTC(2026, 10, 28, 12);

/** Elasticsearch 8 with one data stream of logs, by its published API. */
export function elasticsearchDouble(counts: { recent: number; total: number; bad: number }) {
  const types = (type: string) => ({ [type]: { type, metadata_field: false, searchable: true, aggregatable: true } });
  const fields: Record<string, object> = {
    '@timestamp': types('date'),
    'log.level': types('keyword'),
    'service.name': types('keyword'),
    message: types('text'),
  };
  const whole = {
    took: 4,
    timed_out: false,
    _shards: { total: 3, successful: 3, skipped: 2, failed: 0 },
    hits: { total: { value: counts.total, relation: 'eq' }, max_score: null, hits: [] },
    aggregations: {
      recent: { doc_count: counts.recent },
      total: { doc_count: counts.total },
      bad: { doc_count: counts.bad },
    },
  };
  /** @param change what the search answers instead */
  return (change: object = {}) =>
    ({ path, parameters }: AskedRequest): JsonAnswer => {
      if (path === '/_resolve/index/*')
        return { body: { indices: [], aliases: [], data_streams: [{ name: 'logs-shop-prod', backing_indices: [] }] } };
      if (path.endsWith('/_field_caps')) {
        const asked = parameters.get('fields')?.split(',') ?? [];
        const found = Object.entries(fields).filter(([field]) => asked.includes(field) || asked.includes('*'));
        return { body: { indices: ['.ds-logs-shop-prod-2026.11.28-000001'], fields: Object.fromEntries(found) } };
      }
      if (path.endsWith('/_search')) return { body: { ...whole, ...change } };
      return { status: 400, body: { error: { root_cause: [{ type: 'x', reason: 'no handler' }] }, status: 400 } };
    };
}

/** Loki 3 with one stream, by its published API. Numbers are told by a piece of the query that asks for them. */
export function lokiDouble(numbers: readonly (readonly [piece: string, value: string | undefined])[]) {
  /** @param change what a query answers instead */
  return (change: object = {}) =>
    ({ path, parameters }: AskedRequest): JsonAnswer => {
      const query = parameters.get('query') ?? '';
      switch (path) {
        case '/loki/api/v1/labels':
          return { body: { status: 'success', data: ['app', 'namespace'] } };
        case '/loki/api/v1/label/app/values':
          return { body: { status: 'success', data: ['shop', 'cart'] } };
        case '/loki/api/v1/series': {
          const isKnown = parameters.get('match[]') === '{app="shop"}';
          return { body: { status: 'success', ...(isKnown && { data: [{ app: 'shop', pod: 'shop-1' }] }) } };
        }
        case '/loki/api/v1/query': {
          const value = numbers.find(([piece]) => query.includes(piece))?.[1];
          const result = value === undefined ? [] : [{ metric: {}, value: [NOW / 1_000, value] }];
          return { body: { status: 'success', data: { resultType: 'vector', result, stats: {} }, ...change } };
        }
        default:
          return { status: 404, body: '404 page not found' };
      }
    };
}

/** VictoriaLogs by its published API. */
export function victoriaLogsDouble(counts: Readonly<Record<string, number>>) {
  return (change: object = {}) =>
    ({ path }: AskedRequest): JsonAnswer => {
      if (path !== '/select/logsql/stats_query') return { status: 400, body: 'unsupported path requested' };
      const result = Object.entries(counts).map(([name, value]) => ({
        metric: { __name__: name },
        value: [NOW / 1_000, `${value}`],
      }));
      return { body: { status: 'success', data: { resultType: 'vector', result }, ...change } };
    };
}

/** One request that Jaeger traced. */
export interface TracedRequest {
  readonly id: number;
  /** Milliseconds. */
  readonly start: number;
  readonly duration?: number;
  /** As the storage has the tag. */
  readonly error?: boolean | string;
  readonly operation?: string;
}

/**
 * Jaeger with a service `shop` that calls itself a `cart`, by its published APIs: `/api/v3` and, for versions before 2026, `/api`.
 *
 * @param most traces of an answer, whatever was asked for
 */
export function jaegerDouble(requests: readonly TracedRequest[], version: 'current' | 'legacy', most = 10_000) {
  const find = (from: number, to: number, limit: number) =>
    requests.filter(({ start }) => start >= from && start <= to).slice(-Math.min(limit, most));
  return ({ path, parameters }: AskedRequest): JsonAnswer => {
    const page = { status: 200, body: '<!doctype html><html><head><title>Jaeger UI</title></head></html>' };
    if (version === 'current') {
      switch (path) {
        case '/api/v3/services':
          return { body: { services: ['shop', 'cart'] } };
        case '/api/v3/operations':
          return { body: { operations: [{ name: 'POST /orders', spanKind: 'server' }] } };
        case '/api/v3/traces': {
          const times = ['query.start_time_min', 'query.start_time_max'].map((name) => parameters.get(name) ?? '');
          const [from = 0, to = 0] = times.map((time) => Date.parse(time));
          const found = find(from, to, Number(parameters.get('query.num_traces')));
          const error = { httpCode: 404, message: 'No traces found' };
          return found.length === 0 ? { status: 404, body: { error } } : { body: otlp(found) };
        }
        default:
          return page;
      }
    }
    switch (path) {
      case '/api/services':
        return { body: { data: ['shop', 'cart'], total: 2, limit: 0, offset: 0, errors: null } };
      case '/api/services/shop/operations':
        return { body: { data: ['POST /orders'], total: 1, limit: 0, offset: 0, errors: null } };
      case '/api/traces': {
        const [from = 0, to = 0] = ['start', 'end'].map((name) => Number(parameters.get(name)) / 1_000);
        const data = find(from, to, Number(parameters.get('limit'))).map(legacyTrace);
        return { body: { data, total: 0, limit: 0, offset: 0, errors: null } };
      }
      default:
        return page;
    }
  };
}

function otlp(requests: readonly TracedRequest[]) {
  const resource = (name: string) => ({ attributes: [{ key: 'service.name', value: { stringValue: name } }] });
  const nano = (at: number) => `${Math.round(at * 1_000)}000`;
  const spans = requests.flatMap(({ id, start, duration = 20, error, operation = 'POST /orders' }) => {
    const times = { startTimeUnixNano: nano(start), endTimeUnixNano: nano(start + duration) };
    const status = error === undefined || error === false || error === 'false' ? {} : { code: 2 };
    return [
      { traceId: `t${id}`, spanId: 'a', name: operation, kind: 2, ...times, status },
      { traceId: `t${id}`, spanId: 'b', parentSpanId: 'a', name: 'GET', kind: 3, ...times, status: { code: 2 } },
    ];
  });
  const cart = { traceId: 't1', spanId: 'c', parentSpanId: 'b', name: 'GET /cart', kind: 2, status: { code: 2 } };
  return {
    result: {
      resourceSpans: [
        { resource: resource('shop'), scopeSpans: [{ scope: {}, spans }] },
        { resource: resource('cart'), scopeSpans: [{ scope: {}, spans: [cart] }] },
      ],
    },
  };
}

function legacyTrace({ id, start, duration = 20, error, operation = 'POST /orders' }: TracedRequest) {
  const traceID = `t${id}`;
  const times = { startTime: start * 1_000, duration: duration * 1_000, logs: [], flags: 1 };
  const parent = [{ refType: 'CHILD_OF', traceID, spanID: 'a' }];
  const kind = (value: string) => ({ key: 'span.kind', type: 'string', value });
  const type = typeof error === 'boolean' ? 'bool' : 'string';
  const failed = error === undefined ? [] : [{ key: 'error', type, value: error }];
  return {
    traceID,
    spans: [
      {
        traceID,
        spanID: 'a',
        operationName: operation,
        references: [],
        ...times,
        tags: [kind('server'), ...failed],
        processID: 'p1',
      },
      {
        traceID,
        spanID: 'b',
        operationName: 'GET',
        references: parent,
        ...times,
        tags: [kind('client')],
        processID: 'p1',
      },
    ],
    processes: { p1: { serviceName: 'shop', tags: [] } },
    warnings: null,
  };
}

/** CloudWatch by its published API, which answers with JSON where it is asked to, with lists as such or in `member`. */
export function cloudWatchDouble(
  form: 'lists' | 'members',
  points: readonly (readonly [age: number, value: number])[],
) {
  const listOf = (items: readonly unknown[]) => (form === 'lists' ? items : { member: items });
  const timeOf = (age: number) => {
    const at = NOW - age * 1_000;
    return form === 'lists' ? at / 1_000 : new Date(at).toISOString();
  };
  /** @param change what the only result has instead, and the whole answer */
  return (change: object = {}, whole: object = {}) =>
    ({ path, parameters }: AskedRequest): JsonAnswer => {
      if (path !== '/' || parameters.get('Action') !== 'GetMetricData')
        return { status: 400, body: { Error: { Code: 'InvalidAction', Message: 'Could not find operation' } } };
      const result = {
        Id: 'value',
        Label: 'TargetResponseTime',
        StatusCode: 'Complete',
        Timestamps: listOf(points.map(([age]) => timeOf(age))),
        Values: listOf(points.map(([, value]) => value)),
        ...change,
      };
      const answer = { MetricDataResults: listOf([result]), Messages: listOf([]), NextToken: null, ...whole };
      return { body: { GetMetricDataResponse: { GetMetricDataResult: answer, ResponseMetadata: { RequestId: 'r' } } } };
    };
}

/** Datadog by its published API. */
export function datadogDouble(points: readonly (readonly [age: number, value: number | null])[]) {
  const serie = {
    metric: 'trace.http.request.duration',
    display_name: 'trace.http.request.duration',
    expression: 'avg:trace.http.request.duration{service:shop}',
    scope: 'service:shop',
    interval: 20,
    length: points.length,
    aggr: 'avg',
    tag_set: [],
    pointlist: points.map(([age, value]) => [NOW - age * 1_000, value]),
  };
  /** @param change what the answer has instead */
  return (change: object = {}) =>
    ({ path }: AskedRequest): JsonAnswer =>
      path === '/api/v1/query'
        ? { body: { status: 'ok', res_type: 'time_series', resp_version: 1, series: [serie], message: '', ...change } }
        : { status: 404, body: { errors: ['Not found'] } };
}
