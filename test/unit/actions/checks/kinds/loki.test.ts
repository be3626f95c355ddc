import { describe, expect, test } from 'vitest';
import { lokiCheck } from '../../../../../src/actions/checks/kinds/loki.ts';
import { placeOf, readCheck, refusalOf } from './place.ts';

const needed = `check: loki, query: '{app="ARM"} |= "error"'`;

describe('a check of Loki', () => {
  test('is read as its example is written', () => {
    const asked: string[] = [];
    const check = readCheck(lokiCheck.example);
    expect(check.isStatistical).toBe(true);
    expect(check.build(placeOf(asked)).source).toMatchObject({
      kind: 'loki',
      lag: 30_000,
      asked: '{app="shop"} |= "error" of {app="shop"} (Loki http://a.example)',
    });
    expect(asked).toEqual(['Loki by loki']);
  });

  test('judges a number of lines', () => {
    const check = readCheck(`{${needed}, most: 0}`);
    const { rule, source } = check.build(placeOf());
    expect(check.isStatistical).toBe(false);
    expect(source.asked).toContain('{app="canary"}');
    rule.add({ kind: 'counts', total: 10, bad: 1 }, undefined, 0);
    expect(rule.finding()).toMatchObject({ state: 'breach', sentence: '1 lines match, accepted 0' });
  });

  test('judges a number that LogQL computes', () => {
    const check = readCheck(`{check: loki, query: 'sum(rate({app="ARM"}[1m]))', above: 3, relative-to: stable}`);
    const { rule, reference } = check.build(placeOf());
    expect(check.isStatistical).toBe(false);
    expect(reference).toMatchObject({ source: { asked: expect.stringContaining('{app="stable"}') } });
    const value = (number: number) => ({ kind: 'values' as const, values: [{ of: '', value: number, at: 0 }] });
    rule.add(value(9), value(2), 0);
    expect(rule.finding()).toMatchObject({ state: 'breach' });
  });

  test.each([
    [`{${needed}}`, 'needs "most", the number that is accepted'],
    [`{${needed}, above: 1, most: 2}`, '"most" counts lines, and "above" or "below" judge a number'],
    [`{${needed}, above: 1, total: '{app="shop"}'}`, '"total" counts lines'],
    [`{${needed}, warn-above: 1}`, 'needs "above" or "below"'],
    [`{${needed}, most: 0, query2: x}`, 'unknown key "query2"'],
    ['{check: loki, query: 5, most: 0}', 'must be LogQL'],
  ])('%s is refused', (yaml, said) => {
    expect(refusalOf(yaml)).toContain(said);
  });
});
