import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CloudWatchQuery, cloudWatchSource } from '../../../src/sources/cloudwatch.ts';
import { type JsonServer, startJsonServer, stoppedClock } from '../../support/json-server.ts';
import { cloudWatchDouble, NOW } from '../../support/source-doubles.ts';

const signal = new AbortController().signal;
const window = { from: NOW - 420_000, to: NOW - 120_000 };
const metric = {
  namespace: 'AWS/ApplicationELB',
  name: 'TargetResponseTime',
  dimensions: { LoadBalancer: 'app/shop/1', TargetGroup: 'tg/2' },
  statistic: 'p99',
};
let server: JsonServer;

beforeAll(async () => {
  server = await startJsonServer();
});
beforeEach(() => {
  server.requests.length = 0;
});
afterAll(() => server.stop());

const sourceOf = (of: CloudWatchQuery['of'] = metric) =>
  cloudWatchSource({ of, period: 60_000, lag: 120_000, staleAfter: 600_000 }, server.reach('CloudWatch'), {
    clock: stoppedClock(NOW),
  });

describe('a look', () => {
  test.each(['lists', 'members'] as const)('is the newest whole period of a metric (%s)', async (form) => {
    // The period that began 120 s ago is not over at the end of the window.
    server.answer(
      cloudWatchDouble(form, [
        [120, 9],
        [180, 0.4],
        [240, 0.3],
      ])(),
    );
    expect(await sourceOf().look(window, signal)).toEqual({
      kind: 'values',
      values: [{ of: 'TargetResponseTime', value: 0.4, at: NOW - 120_000 }],
    });
    expect(Object.fromEntries(server.requests[0]?.parameters ?? [])).toEqual({
      Action: 'GetMetricData',
      Version: '2010-08-01',
      StartTime: new Date(NOW - 780_000).toISOString(),
      EndTime: new Date(NOW - 120_000).toISOString(),
      ScanBy: 'TimestampDescending',
      'MetricDataQueries.member.1.Id': 'value',
      'MetricDataQueries.member.1.ReturnData': 'true',
      'MetricDataQueries.member.1.MetricStat.Metric.Namespace': 'AWS/ApplicationELB',
      'MetricDataQueries.member.1.MetricStat.Metric.MetricName': 'TargetResponseTime',
      'MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Name': 'LoadBalancer',
      'MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Value': 'app/shop/1',
      'MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.2.Name': 'TargetGroup',
      'MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.2.Value': 'tg/2',
      'MetricDataQueries.member.1.MetricStat.Period': '60',
      'MetricDataQueries.member.1.MetricStat.Stat': 'p99',
    });
  });

  test('asks an expression as it is', async () => {
    server.answer(cloudWatchDouble('lists', [[180, 1]])());
    const query = 'SELECT MAX(Errors) FROM "AWS/Lambda" WHERE FunctionName = \'shop\'';
    await sourceOf(query).look(window, signal);
    expect(server.requests[0]?.parameters.get('MetricDataQueries.member.1.Expression')).toBe(query);
  });

  test.each<[string, object, object, string]>([
    ['a part of the data', { StatusCode: 'PartialData' }, {}, 'not complete (PartialData)'],
    ['an error of one metric', { StatusCode: 'InternalError' }, {}, 'not complete (InternalError)'],
    ['no values', { Values: [], Timestamps: [] }, {}, 'no value of the last 10m'],
    ['fewer values than times', { Values: [] }, {}, 'not as many times as values'],
    ['no result', {}, { MetricDataResults: [] }, 'the answer is empty'],
    ['a message', {}, { Messages: [{ Code: 'MaxQueryTimeRangeExceeded', Value: 'too long' }] }, 'too long'],
    ['a message of the metric', { Messages: [{ Code: 'ArithmeticError', Value: 'divided by 0' }] }, {}, 'divided by 0'],
    ['further pages', {}, { NextToken: 'abc' }, 'further pages'],
  ])('with %s is missing', async (_, change, whole, reason) => {
    server.answer(cloudWatchDouble('lists', [[180, 0.4]])(change, whole));
    expect(await sourceOf().look(window, signal)).toEqual({
      kind: 'missing',
      reason: expect.stringContaining(reason),
    });
  });

  test('with nothing but an old value is missing', async () => {
    server.answer(cloudWatchDouble('lists', [[3_600, 0.4]])());
    expect(await sourceOf().look(window, signal)).toMatchObject({ kind: 'missing' });
  });
});

test('the preflight names what makes a metric', async () => {
  server.answer(cloudWatchDouble('lists', [])());
  await expect(sourceOf().preflight(signal)).rejects.toMatchObject({
    code: 'bad-query',
    about: 'metric p99 of AWS/ApplicationELB TargetResponseTime {LoadBalancer=app/shop/1, TargetGroup=tg/2}',
    next: expect.stringContaining('every dimension'),
  });
});

test('words of AWS are told', async () => {
  const Message = "The parameter MetricDataQueries.member.1.Expression is not valid: syntax error at '('";
  server.answer(() => ({ status: 400, body: { Error: { Code: 'ValidationError', Message, Type: 'Sender' } } }));
  await expect(sourceOf('SUM(').look(window, signal)).rejects.toMatchObject({
    code: 'bad-query',
    problem: expect.stringContaining('syntax error'),
  });
});
