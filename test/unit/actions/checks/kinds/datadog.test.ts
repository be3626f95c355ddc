import { describe, expect, test } from 'vitest';
import { datadogCheck } from '../../../../../src/actions/checks/kinds/datadog.ts';
import { placeOf, readCheck, refusalOf } from './place.ts';

describe('a check of Datadog', () => {
  test('is read as its example is written', () => {
    const asked: string[] = [];
    const check = readCheck(datadogCheck.example);
    expect(check.isStatistical).toBe(false);
    expect(check.build(placeOf(asked)).source).toMatchObject({
      kind: 'datadog',
      lag: 60_000,
      asked: 'avg:trace.http.request.duration{service:shop} (Datadog http://a.example)',
    });
    expect(asked).toEqual(['Datadog by datadog']);
  });

  test.each([
    ['{check: datadog, above: 1}', '"query": is missing'],
    ["{check: datadog, query: 'avg:a{*}'}", 'needs "above" or "below"'],
    ["{check: datadog, query: 'avg:a{*}', above: 1, stale-after: 0s}", '"stale-after" of 0s'],
  ])('%s is refused', (yaml, said) => {
    expect(refusalOf(yaml)).toContain(said);
  });
});
