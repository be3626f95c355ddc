import { describe, expect, test } from 'vitest';
import { cloudWatchCheck } from '../../../../../src/actions/checks/kinds/cloudwatch.ts';
import { placeOf, readCheck, refusalOf } from './place.ts';

const metric = 'metric: {namespace: AWS/SQS, name: Age, dimensions: {QueueName: shop-ARM}, statistic: Maximum}';

describe('a check of CloudWatch', () => {
  test('is read as its example is written', () => {
    const asked: string[] = [];
    const check = readCheck(cloudWatchCheck.example);
    expect(check.isStatistical).toBe(false);
    const { source } = check.build(placeOf(asked));
    expect(source).toMatchObject({ kind: 'cloudwatch', lag: 120_000 });
    expect(source.asked).toContain('metric p99 of AWS/ApplicationELB TargetResponseTime');
    expect(asked).toEqual(['CloudWatch by cloudwatch']);
  });

  test('names the arm in dimensions', () => {
    const { source, reference } = readCheck(`{check: cloudwatch, ${metric}, above: 2, relative-to: stable}`).build(
      placeOf(),
    );
    expect(source.asked).toContain('{QueueName=shop-canary}');
    expect(reference).toMatchObject({ source: { asked: expect.stringContaining('{QueueName=shop-stable}') } });
  });

  test.each([
    ['{check: cloudwatch, above: 1}', 'needs either "metric", or "query"'],
    [`{check: cloudwatch, ${metric}, query: a, above: 1}`, 'needs either "metric", or "query"'],
    [`{check: cloudwatch, ${metric}}`, 'needs "above" or "below"'],
    [`{check: cloudwatch, ${metric}, above: 1, period: 45s}`, 'give 1s, 5s, 10s, 30s or whole minutes'],
    [`{check: cloudwatch, ${metric}, above: 1, period: 0s}`, 'give 1s, 5s, 10s, 30s or whole minutes'],
    [`{check: cloudwatch, ${metric}, above: 1, period: 1h}`, '"stale-after" shorter than its "period"'],
    ['{check: cloudwatch, metric: {namespace: A, name: b}, above: 1}', '"metric.statistic": is missing'],
  ])('%s is refused', (yaml, said) => {
    expect(refusalOf(yaml)).toContain(said);
  });
});
