import * as z from 'zod';
import { isRecord } from '../../../core/json.ts';
import type { Arm } from '../../../judge/readings.ts';
import { elasticsearchSource } from '../../../sources/elasticsearch/elasticsearch.ts';
import type { ElasticsearchClause } from '../../../sources/elasticsearch/search.ts';
import { type CheckPlace, checkKind, commonSettings } from '../check-kind.ts';
import { must } from '../check-list.ts';
import { refuse } from '../rules.ts';
import { compareSources, countProblem, countRule, countSettings } from './counting.ts';

const FORM = 'a query string of Lucene, or one clause of the query DSL as a map';
/** Keys of a whole search, which is more than its query. */
const ofSearches = ['query', 'aggs', 'aggregations', 'size', 'sort', '_source'];

const clause = z
  .union([z.string().min(1), z.record(z.string(), z.unknown())], must(FORM))
  .superRefine((given, context) => {
    if (typeof given === 'string') return;
    const keys = Object.keys(given);
    if (keys.some((key) => ofSearches.includes(key)))
      context.addIssue('is a whole search: give only what stands under its "query"');
    else if (keys.length !== 1) context.addIssue(`must be ${FORM}: a map with one key, such as bool or match`);
  });

/** Names, patterns and date math; nothing that would lead to another path. */
const index = z
  .string(must('the name or pattern of indices'))
  .regex(/^[^\s"\\|?#]{1,500}$/, must('the name or pattern of indices, several separated by commas'))
  .refine((given) => given.split(',').every((name) => /^(?:_all$|-?[^_+-])/.test(name) && !/^\.{0,2}$/.test(name)), {
    error: 'must be the name or pattern of indices, several separated by commas',
  });

/** Documents of Elasticsearch or OpenSearch that match a query: their number, or their rate among all. */
export const elasticsearchCheck = checkKind({
  kind: 'elasticsearch',
  schema: z
    .strictObject({
      check: z.literal('elasticsearch'),
      ...commonSettings,
      ...countSettings,
      index,
      query: clause,
      total: clause.optional(),
      'time-field': z.string(must('the name of a field')).min(1).default('@timestamp'),
    })
    .superRefine(refuse(countProblem)),
  isStatistical: ({ most }) => most === undefined,
  example: `{check: elasticsearch, index: 'logs-*', query: 'service.name:shop AND log.level:error', total: 'service.name:shop', limit: 1%}`,
  build(settings, place) {
    const server = place.server('Elasticsearch', settings.from ?? 'elasticsearch');
    const { query, total, lag } = settings;
    const sourceOf = (arm: Arm) =>
      elasticsearchSource(
        {
          index: place.expand(settings.index, arm),
          query: expandClause(query, arm, place),
          ...(total !== undefined && { total: expandClause(total, arm, place) }),
          timeField: settings['time-field'],
          lag,
          staleAfter: settings['stale-after'],
        },
        server,
        place.world,
      );
    return {
      ...compareSources(settings, place, sourceOf),
      rule: countRule(settings, place, { counted: 'documents', failing: 'match' }),
    };
  },
});

/** Names of an arm in every text of a clause. */
function expandClause(given: ElasticsearchClause, arm: Arm, place: CheckPlace): ElasticsearchClause {
  const expandIn = (value: unknown): unknown => {
    if (typeof value === 'string') return place.expand(value, arm);
    if (Array.isArray(value)) return value.map(expandIn);
    return isRecord(value) ? expandRecord(value) : value;
  };
  const expandRecord = (record: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(record).map(([key, value]) => [key, expandIn(value)]));
  return typeof given === 'string' ? place.expand(given, arm) : expandRecord(given);
}
