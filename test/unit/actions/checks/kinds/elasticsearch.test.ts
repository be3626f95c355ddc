import { describe, expect, test } from 'vitest';
import { elasticsearchCheck } from '../../../../../src/actions/checks/kinds/elasticsearch.ts';
import { placeOf, readCheck, refusalOf } from './place.ts';

const needed = "check: elasticsearch, index: 'logs-*', query: 'level:error'";

describe('a check of Elasticsearch', () => {
  test('is read as its example is written', () => {
    const asked: string[] = [];
    const { source, window, reference } = readCheck(elasticsearchCheck.example).build(placeOf(asked));
    expect(asked).toEqual(['Elasticsearch by elasticsearch']);
    expect(source).toMatchObject({ kind: 'elasticsearch', lag: 30_000 });
    expect(source.asked).toBe('query service.name:shop AND log.level:error on logs-* (Elasticsearch http://a.example)');
    expect(window).toBe(300_000);
    expect(reference).toBeUndefined();
  });

  test('judges a number, or a rate', () => {
    const number = readCheck(`{${needed}, most: 3}`);
    const rate = readCheck(`{${needed}, total: '*', limit: 1%}`);
    expect([number.isStatistical, rate.isStatistical]).toEqual([false, true]);
    const { rule } = number.build(placeOf());
    rule.add({ kind: 'counts', total: 10, bad: 4 }, undefined, 0);
    expect(rule.finding()).toMatchObject({ state: 'breach', sentence: '4 documents match, accepted 3' });
  });

  test('names the arm of each side in every text', () => {
    const { source, reference } = readCheck(
      "{check: elasticsearch, from: search, index: 'logs-*', query: {bool: {filter: [{term: {pod: ARM}}]}}, relative-to: stable, lag: 1m}",
    ).build(placeOf());
    expect(source).toMatchObject({ lag: 60_000, asked: expect.stringContaining('{"pod":"canary"}') });
    expect(reference).toMatchObject({ source: { asked: expect.stringContaining('{"pod":"stable"}') } });
  });

  test('compares with an earlier time', () => {
    expect(readCheck(`{${needed}, relative-to: before, before: 1d}`).build(placeOf()).reference).toEqual({
      before: 86_400_000,
    });
  });

  test.each([
    [`{${needed}}`, 'needs "most", the number that is accepted; or "limit"'],
    [`{${needed}, most: 1, limit: 1%}`, '"limit" has no effect with "most"'],
    [`{${needed}, most: 1, must-detect: 1%}`, '"must-detect" has no effect with "most"'],
    [`{${needed}, most: -1}`, 'must be a whole number from 0 on'],
    [`{${needed}, most: 1.5}`, 'must be a whole number from 0 on'],
    [`{${needed}, limit: 1%, stale-after: 0s}`, '"stale-after" of 0s'],
    [`{${needed}, limit: 1%, tolerance: 2}`, 'have no effect with "limit"'],
    [`{${needed}, most: 0, lag: 5}`, '"5" is no duration'],
    [`{${needed}, most: 0, tiem-field: x}`, '"time-field" is near'],
    ['{check: elasticsearch, index: logs, query: {query: {match_all: {}}, size: 0}, most: 0}', 'is a whole search'],
    ['{check: elasticsearch, index: logs, query: {term: {a: b}, match: {a: b}}, most: 0}', 'a map with one key'],
    ['{check: elasticsearch, index: logs, query: [1], most: 0}', 'must be a query string of Lucene'],
    ['{check: elasticsearch, query: a, most: 0}', '"index": is missing'],
    ...["'..'", "'a,..'", "'_search'", "'a?b'", "'a b'", "''", "'a,,b'"].map((index) => [
      `{check: elasticsearch, index: ${index}, query: a, most: 0}`,
      'must be the name or pattern of indices',
    ]),
  ])('%s is refused', (yaml, said) => {
    expect(refusalOf(yaml)).toContain(said);
  });

  test.each(["'logs-*,-logs-debug-*'", "'<logs-{now/d}>'", "'eu:logs-*'", '.ds-logs-shop-2026', '_all'])(
    '%s names indices',
    (index) => {
      expect(readCheck(`{check: elasticsearch, index: ${index}, query: a, most: 0}`).name).toBe('elasticsearch');
    },
  );
});
