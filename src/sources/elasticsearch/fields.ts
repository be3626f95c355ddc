import * as z from 'zod';
import { isRecord } from '../../core/json.ts';
import { withoutQuoted } from '../query-text.ts';
import type { ElasticsearchClause } from './search.ts';

/** A field that a query names. */
export interface NamedField {
  /** May hold `*`. */
  readonly field: string;
  /** The query compares with the whole value, so that it finds no words of a text. */
  readonly isExact: boolean;
}

/** Clauses of the form `{match: {FIELD: …}}`; https://www.elastic.co/docs/reference/query-languages/querydsl */
const exactClauses = new Set(['term', 'terms', 'terms_set', 'prefix', 'wildcard', 'regexp', 'fuzzy']);
const fieldClauses = new Set([
  ...exactClauses,
  ...['match', 'match_phrase', 'match_phrase_prefix', 'match_bool_prefix', 'range', 'intervals', 'span_term'],
]);
/** Keys beside the field. */
const options = new Set(['boost', '_name']);
const stringClauses = z.object({
  query: z.string(),
  default_field: z.string().optional(),
  fields: z.array(z.string()).default([]),
});

/** The fields that a query names, without fields of the index itself such as `_id`. */
export function namedFields(clause: ElasticsearchClause): NamedField[] {
  const found = typeof clause === 'string' ? fieldsOfText(clause) : fieldsOfClause(clause);
  const fields = Map.groupBy(
    found.filter(({ field }) => !field.startsWith('_') && field !== '*'),
    ({ field }) => field,
  );
  return [...fields].map(([field, all]) => ({ field, isExact: all.some(({ isExact }) => isExact) }));
}

function fieldsOfClause(value: unknown): NamedField[] {
  if (Array.isArray(value)) return value.flatMap(fieldsOfClause);
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, given]) => {
    if (fieldClauses.has(name) && isRecord(given)) {
      const fields = Object.keys(given).filter((field) => !options.has(field));
      return fields.map((field) => ({ field, isExact: exactClauses.has(name) }));
    }
    if (name === 'exists' && isRecord(given) && typeof given.field === 'string')
      return [{ field: given.field, isExact: false }];
    if (name === 'query_string' || name === 'simple_query_string' || name === 'multi_match') {
      const { query = '', default_field: one, fields = [] } = stringClauses.safeParse(given).data ?? {};
      const named = [...fields, ...(one === undefined ? [] : [one])];
      return [
        ...named.map((field) => ({ field: field.split('^', 1)[0] ?? field, isExact: false })),
        ...(name === 'query_string' ? fieldsOfText(query) : []),
      ];
    }
    return fieldsOfClause(given);
  });
}

/** `level:error AND NOT (path:"/healthz" OR _exists_:debug)` */
function fieldsOfText(query: string): NamedField[] {
  const bare = withoutQuoted(query, '"').replace(/:\/(?:\\[\s\S]|[^/\\]){0,500}\//g, ':""');
  const named = bare.matchAll(/(?<![\w@.*\\-])((?:\\[^\n]|[\w@.*-]){1,256}):([\w@.*-]*)/g);
  return [...named].map(([, field = '', value = '']) => ({
    field: (field === '_exists_' ? value : field.replace(/^[-+]/, '')).replaceAll('\\', ''),
    isExact: false,
  }));
}
