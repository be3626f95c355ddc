import * as z from 'zod';
import { SluiceError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import { excerpt } from '../../core/text.ts';
import { count } from '../../core/wording.ts';
import type { JsonApi } from '../json-api.ts';
import { type NamedField, namedFields } from './fields.ts';
import { describeQuery, type ElasticsearchQuery, indexPath } from './search.ts';

const capability = z.object({ searchable: z.boolean(), indices: z.array(z.string()).nullish() });
/** https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-field-caps */
const fieldCapabilities = z.object({
  indices: z.array(z.string()),
  fields: z.record(z.string(), z.record(z.string(), capability)),
  failures: z.array(z.unknown()).nullish(),
});
type Fields = z.infer<typeof fieldCapabilities>['fields'];

const named = z.array(z.object({ name: z.string() })).default([]);
/** https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-resolve-index */
const resolved = z.object({ indices: named, aliases: named, data_streams: named });

/** Names that an error lists. */
const MOST_NAMES = 5;

/**
 * Proves that the indices exist, that the time field is a time in them and that they have the fields of the query.
 *
 * @returns what the reader should know, one sentence each
 */
export async function requireMapping(api: JsonApi, query: ElasticsearchQuery, signal: AbortSignal): Promise<string[]> {
  const { index, timeField, total } = query;
  const asked = [...namedFields(query.query), ...(total === undefined ? [] : namedFields(total))];
  const { indices, fields } = await askFields(api, index, [timeField, ...asked.map(({ field }) => field)], signal);
  if (indices.length === 0) throw await noIndex(api, index, signal);
  const times = fields[timeField] ?? {};
  const types = Object.keys(times).filter((type) => type !== 'unmapped');
  if (types.length === 0) {
    const all = await askFields(api, index, ['*'], signal);
    const dates = Object.keys(all.fields).filter((field) => Object.keys(all.fields[field] ?? {}).some(isDate));
    throw noField(query, timeField, dates, 'Fields of type date are');
  }
  const other = types.find((type) => !isDate(type));
  if (other !== undefined) throw noDate(query, other);
  const lacking = asked.find(({ field }) => Object.keys(matching(fields, field)).length === 0);
  if (lacking) {
    const all = await askFields(api, index, ['*'], signal);
    throw noField(query, lacking.field, Object.keys(all.fields), 'Some of its fields are');
  }
  const dead = asked.find(({ field }) => isNowhereSearchable(matching(fields, field)));
  if (dead) throw notSearchable(query, dead.field);
  const without = times.unmapped?.indices?.length ?? 0;
  return [
    ...(without > 0
      ? [
          `${count(without)} of ${count(indices.length)} indices have no field ${timeField}: their documents are not counted.`,
        ]
      : []),
    ...asked.flatMap((field) => warnOfText(fields, field)),
  ];
}

async function askFields(api: JsonApi, index: string, fields: readonly string[], signal: AbortSignal) {
  const answer = await api
    .get(
      {
        path: `/${indexPath(index)}/_field_caps`,
        parameters: {
          fields: [...new Set(fields)].join(','),
          // A pattern that matches nothing is answered with an empty success otherwise.
          allow_no_indices: 'false',
          ignore_unavailable: 'false',
          include_unmapped: 'true',
        },
        shape: fieldCapabilities,
        about: `index ${index}`,
        explain: ({ status, body }) => (status === 404 && body.includes('index_not_found') ? new NoIndex() : undefined),
      },
      signal,
    )
    .catch(async (error: unknown) => {
      throw error instanceof NoIndex ? await noIndex(api, index, signal) : error;
    });
  const failed = answer.failures?.length ?? 0;
  if (failed > 0) {
    throw new SluiceError('unreachable', {
      about: `index ${index}`,
      problem: `could not be looked at in ${count(failed)} parts of ${api.name}.`,
      next: 'Wait until all its nodes and remote clusters answer.',
    });
  }
  return answer;
}

/** Stands for the error that names what exists. */
class NoIndex extends SluiceError {
  constructor() {
    super('not-found', { about: 'the index', problem: 'does not exist.', next: 'Check its name.' });
  }
}

async function noIndex(api: JsonApi, index: string, signal: AbortSignal): Promise<SluiceError> {
  const question = { path: '/_resolve/index/*', shape: resolved };
  // Who may read one index need not be allowed to list all of them.
  const all = await api.get(question, signal).catch(() => {
    signal.throwIfAborted();
    return undefined;
  });
  const names = all ? [...all.data_streams, ...all.aliases, ...all.indices].map(({ name }) => name) : [];
  const meant = nearest(index.replaceAll('*', ''), names);
  const shown = meant === undefined ? names : [meant, ...names.filter((name) => name !== meant)];
  return new SluiceError('not-found', {
    about: `index ${index}`,
    problem: `does not exist in ${api.name}, or the credentials may not read it.`,
    next: names.length === 0 ? 'Check its name or pattern.' : `Check its name. There are ${listed(shown)}.`,
  });
}

function noField(query: ElasticsearchQuery, field: string, known: readonly string[], there: string): SluiceError {
  const meant = nearest(field, known);
  const hint =
    meant === undefined
      ? known.length === 0
        ? ''
        : ` ${there} ${listed(known)}.`
      : ` "${excerpt(meant, 80)}" is near.`;
  return new SluiceError('bad-query', {
    about: describeQuery(query),
    problem: `names the field "${field}", which no index of ${query.index} has.`,
    next: `Check the name of the field${field === query.timeField ? ' ("time-field")' : ''}.${hint}`,
  });
}

function noDate(query: ElasticsearchQuery, type: string): SluiceError {
  return new SluiceError('bad-query', {
    about: describeQuery(query),
    problem: `needs a time in the field "${query.timeField}", which is mapped as ${excerpt(type, 40)}.`,
    next: 'Name a field of type date or date_nanos in "time-field", or map this one as date in the index template.',
  });
}

function notSearchable(query: ElasticsearchQuery, field: string): SluiceError {
  return new SluiceError('bad-query', {
    about: describeQuery(query),
    problem: `names the field "${field}", which is stored without an index: no query finds anything in it.`,
    next: 'Name another field, or index this one.',
  });
}

function warnOfText(fields: Fields, { field, isExact }: NamedField): string[] {
  const isText = Object.values(matching(fields, field)).some((types) => 'text' in types);
  if (!isExact || !isText) return [];
  return [
    `${field} is an analysed text: a query for a whole value finds single lower-case words at most. Use match, or the field ${field}.keyword where there is one.`,
  ];
}

function matching(fields: Fields, pattern: string): Fields {
  const parts = pattern.split('*');
  return Object.fromEntries(
    Object.entries(fields).filter(([field, types]) => {
      return isLike(field, parts) && Object.keys(types).some((type) => type !== 'unmapped');
    }),
  );
}

/** Whether a name has these parts in this order, with anything between them. */
function isLike(name: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}

function isNowhereSearchable(fields: Fields): boolean {
  return Object.values(fields).every((types) =>
    Object.entries(types).every(([type, { searchable }]) => type === 'unmapped' || !searchable),
  );
}

function isDate(type: string): boolean {
  return type === 'date' || type === 'date_nanos';
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map((name) => excerpt(name, 80));
  return `${shown.join(', ')}${names.length > MOST_NAMES ? ', …' : ''}`;
}
