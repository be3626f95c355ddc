import { describe, expect, test } from 'vitest';
import { jaegerCheck } from '../../../../../src/actions/checks/kinds/jaeger.ts';
import { placeOf, readCheck, refusalOf } from './place.ts';

describe('a check of Jaeger', () => {
  test('is read as its example is written', () => {
    const asked: string[] = [];
    const check = readCheck(jaegerCheck.example);
    expect(check.isStatistical).toBe(true);
    expect(check.build(placeOf(asked)).source).toMatchObject({
      kind: 'jaeger',
      asked: 'failed POST /orders of shop (Jaeger http://a.example)',
    });
    expect(asked).toEqual(['Jaeger by jaeger']);
  });

  test('takes slow requests for bad ones, of both arms', () => {
    const { source, reference, rule } = readCheck(
      '{check: jaeger, service: shop-ARM, slower-than: 500ms, relative-to: stable}',
    ).build(placeOf());
    expect(source.asked).toBe('slow (over 500ms) requests of shop-canary (Jaeger http://a.example)');
    expect(reference).toMatchObject({ source: { asked: expect.stringContaining('shop-stable') } });
    rule.add({ kind: 'counts', total: 10, bad: 1 }, { kind: 'counts', total: 10, bad: 1 }, 0);
    expect(rule.finding().sentence).toContain('were slow');
  });

  test.each([
    ['{check: jaeger, limit: 1%}', '"service": is missing'],
    ['{check: jaeger, service: shop}', 'needs "most"'],
    ['{check: jaeger, service: shop, limit: 1%, slower-than: 5}', '"5" is no duration'],
  ])('%s is refused', (yaml, said) => {
    expect(refusalOf(yaml)).toContain(said);
  });
});
