import { describe, expect, test } from 'vitest';
import { namedFields } from '../../../../src/sources/elasticsearch/fields.ts';
import type { ElasticsearchClause } from '../../../../src/sources/elasticsearch/search.ts';

describe('the fields that a query names', () => {
  test.each<[ElasticsearchClause, string[]]>([
    ['error', []],
    ['level:error AND NOT (path:"/a:b" OR _exists_:debug)', ['level', 'path', 'debug']],
    ['+http.response.status_code:[500 TO 599] -user-agent.name:curl', ['http.response.status_code', 'user-agent.name']],
    ['labels.*:x', ['labels.*']],
    ['_id:1 OR *:*', []],
    ['url:http\\:\\/\\/a.example', ['url']],
    ['path:/a[0-9]:x/', ['path']],
    ['first\\ name:alice', ['first name']],
    [{ term: { level: { value: 'error', boost: 2 } } }, ['level']],
    [{ terms: { level: ['a', 'b'], boost: 1 } }, ['level']],
    [{ exists: { field: 'error.type' } }, ['error.type']],
    [
      { bool: { must: [{ match: { message: 'x' } }], filter: { range: { status: { gte: 500 } } } } },
      ['message', 'status'],
    ],
    [{ query_string: { query: 'level:error', default_field: 'message' } }, ['message', 'level']],
    [{ multi_match: { query: 'a:b', fields: ['title^3', 'body'] } }, ['title', 'body']],
    [{ nested: { path: 'user', query: { match: { 'user.first': 'x' } } } }, ['user.first']],
    [{ match_all: {} }, []],
  ])('%j', (clause, fields) => {
    expect(namedFields(clause).map(({ field }) => field)).toEqual(fields);
  });
});
