import { describe, expect, it } from 'vitest';
import { parseExpression, refusePadding } from '../../../../src/meters/queries/promql.ts';
import { format } from '../../../../src/meters/series/selector.ts';

const parse = (query: string) => parseExpression(query, 'input "query"');

describe('PromQL syntax', () => {
  it('is checked before anything is asked, with the place marked', async () => {
    await expect(parse('sum(rate(foo[5m])')).rejects.toMatchObject({
      code: 'bad-query',
      message:
        'input "query": is not valid PromQL, it ends too early:\n    sum(rate(foo[5m])\n                     ^\n Correct the expression.',
    });
  });

  it('marks the place in the right line', async () => {
    await expect(parse('sum(\n  foo{a="b" c="d"}\n)')).rejects.toThrow('\n      foo{a="b" c="d"}\n                ^\n');
  });

  it.each(['', '   ', 'a{b=}', '5 +', 'foo{'])('refuses %j', async (query) => {
    await expect(parse(query)).rejects.toMatchObject({ code: 'bad-query' });
  });

  it.each([
    'up',
    'sum by (a) (rate(b{c!~"d"}[5m])) / on() group_left sum(e)',
    '{"http.requests", "a.b"="c"}',
    '1 > bool 2',
  ])('accepts %s', async (query) => {
    await expect(parse(query)).resolves.toBeDefined();
  });
});

describe('padding', () => {
  it.each([
    ['errors or vector(0)', 'or vector(0)'],
    ['errors or on() vector(0)', 'or vector(0)'],
    ['sum(errors or vector(1) * 0)', 'or vector(1) * 0'],
    ['vector(0) or errors', 'or vector(0)'],
    ['errors or (absent(errors) - 1)', 'or (absent(errors) - 1)'],
    ['errors or requests * 0', 'or requests * 0'],
    ['errors or 0 * absent_over_time(errors[5m])', 'or 0 * absent_over_time(errors[5m])'],
  ])('is seen in %s', async (query, padding) => {
    const expression = await parse(query);
    expect(expression.padding).toBe(padding);
    expect(() => refusePadding(expression, query, 'query')).toThrow(`is padded by "${padding}"`);
  });

  it.each(['errors or other_errors', 'errors * 2', 'absent(up)', 'errors + vector(0)'])(
    'is not seen in %s',
    async (query) => {
      expect((await parse(query)).padding).toBeUndefined();
    },
  );
});

describe('a raw counter', () => {
  const counter = async (query: string) => (await parse(query)).counter;

  it.each([
    ['requests_total{app="x",code=~"5..",a!="b",c!~\'d\'}', 'requests_total{app="x",code=~"5..",a!="b",c!~"d"}'],
    ['sum by (pod) (requests_total{app="x"})', 'requests_total{app="x"}'],
    ['(sum(requests_total))', 'requests_total'],
    ['sum without (code) (requests_total)', 'requests_total'],
    ['{__name__=~"a|b"}', '{__name__=~"a|b"}'],
    ['{"http.requests", "a.b"=`c\\d`}', '{__name__="http.requests","a.b"="c\\\\d"}'],
    ['a{b="\\"\\u00e9\\n\\\\."}', 'a{b="\\"é\\n\\\\."}'],
  ])('is found in %s', async (query, selector) => {
    const found = await counter(query);
    expect('selector' in found && format(found.selector)).toBe(selector);
  });

  it.each([
    ['sum(rate(requests_total{a="b"}[5m]))', 'uses rate()', 'Give the counter itself: requests_total{a="b"}'],
    ['increase(requests_total[1m])', 'uses increase()', 'Give the counter itself: requests_total'],
    ['max by (pod) (requests_total)', 'no count of requests', 'Give the counter itself: requests_total'],
    ['requests_total[5m]', 'has a range', 'Give the counter itself: requests_total'],
    ['requests_total offset 5m', 'another time', 'Give the counter itself: requests_total'],
    ['requests_total @ 1', 'another time', 'Give the counter itself: requests_total'],
    ['a_total + b_total', 'calculates', '{__name__=~"one|other"}'],
  ])('is not taken from %s, and the error says what to give', async (query, problem, next) => {
    expect(await counter(query)).toEqual({
      problem: expect.stringContaining(problem),
      next: expect.stringContaining(next),
    });
  });
});

it('tells which metrics and present selectors an expression has', async () => {
  const expression = await parse(
    'sum(rate(a_total{b="c"}[5m])) / sum(rate(a_total{b="c"}[5m] offset 1d)) + min(d) > up @ 0',
  );
  expect(expression.metrics).toEqual(['a_total', 'd', 'up']);
  expect(expression.selectors).toEqual(['a_total{b="c"}', 'd']);
});
