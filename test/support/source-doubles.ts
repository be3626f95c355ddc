import type { AskedRequest, JsonAnswer } from './json-server.ts';

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
