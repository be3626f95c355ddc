import { describe, expect, it } from 'vitest';
import { createClassifier, type Sample } from '../../../../src/meters/counting/classify.ts';
import { withBuckets } from '../../../../src/meters/counting/latency.ts';
import type { Rule } from '../../../../src/meters/queries/rules.ts';
import { equal, format, like, union } from '../../../../src/meters/series/selector.ts';

const rule = (arm: Rule['arm'], kind: Rule['kind'], name: string, ...matchers: Rule['selector']): Rule => ({
  arm,
  kind,
  selector: [equal('__name__', name), equal('arm', arm), ...matchers],
  perSecond: 1,
});
const rules = [
  rule('stable', 'requests', 'requests'),
  rule('stable', 'errors', 'requests', like('code', '5..')),
  rule('stable', 'bucket', 'duration_bucket'),
  rule('canary', 'requests', 'requests'),
];
const sample = (labels: Record<string, string>, value = 1, at = 1): Sample => ({
  labels: { __name__: 'requests', arm: 'stable', ...labels },
  value,
  at,
});
const counters = (...samples: Sample[]) => createClassifier(rules)(samples).map(({ counter }) => counter);

describe('counters', () => {
  it('are told apart by process and by series', () => {
    const found = counters(
      sample({ pod: 'a', code: '200' }),
      sample({ pod: 'b', code: '200' }),
      sample({ pod: 'a', code: '500' }),
    );
    expect(found.map(({ kind, instance }) => `${kind} ${instance}`)).toEqual([
      'requests a',
      'requests a',
      'errors a',
      'requests b',
    ]);
    expect(new Set(found.map(({ series, instance }) => instance + series)).size).toBe(3);
  });

  it('keep their series whatever order the labels come in, and whichever scrape brings them', () => {
    const [first] = counters(sample({ pod: 'a', code: '200', job: 'x', instance: '1.2.3.4:80' }));
    const [second] = counters({
      labels: { job: 'y', code: '200', pod: 'a', arm: 'stable', __name__: 'requests' },
      value: 1,
      at: 1,
    });
    expect(second?.series).toBe(first?.series);
  });

  it('share a series over the buckets of a histogram', () => {
    const bucket = (le: string) => sample({ __name__: 'duration_bucket', pod: 'a', le });
    const found = counters(bucket('0.3'), bucket('+Inf'));
    expect(found.map(({ le }) => le)).toEqual([0.3, Number.POSITIVE_INFINITY]);
    expect(found[0]?.series).toBe(found[1]?.series);
  });

  it('pass on what is no number, for the judge to see', () => {
    expect(counters(sample({ pod: 'a' }, Number.NaN))[0]?.value).toBeNaN();
  });

  it('are named by the process that was asked, where that is known', () => {
    expect(counters({ ...sample({ pod: 'other' }), instance: 'asked', startedAt: 5 })[0]).toMatchObject({
      instance: 'asked',
      startedAt: 5,
    });
  });
});

describe('a process that is scraped twice', () => {
  const twice = [
    sample({ pod: 'a', job: 'pods', instance: '10.0.0.1:80', code: '200' }, 10, 100),
    sample({ pod: 'a', job: 'services', instance: '10.0.0.1:80', code: '200' }, 12, 200),
    sample({ pod: 'a', job: 'services', instance: '10.0.0.1:80', code: '500' }, 1, 200),
    sample({ pod: 'b', job: 'services', instance: '10.0.0.2:80', code: '200' }, 7, 200),
  ];

  it('is counted once, from one of its scrapes', () => {
    expect(counters(...twice).map(({ instance, value }) => `${instance} ${value}`)).toEqual(['a 10', 'b 7']);
  });

  it('is counted from the same scrape whatever the order', () => {
    expect(
      counters(...twice.toReversed())
        .map(({ instance, value }) => `${instance} ${value}`)
        .toSorted(),
    ).toEqual(['a 10', 'b 7']);
  });

  it('is not seen in a sidecar, whose process began at another time', () => {
    const withStart = [...rules, rule('stable', 'start', 'process_start_time_seconds')];
    const start = (container: string, seconds: number) =>
      sample({ __name__: 'process_start_time_seconds', pod: 'a', container }, seconds);
    const found = createClassifier(withStart)([
      start('app', 10),
      start('agent', 20),
      sample({ pod: 'a', container: 'app' }),
    ]);
    expect(found.map(({ counter }) => [counter.value, counter.startedAt])).toEqual([[1, 10_000]]);
  });

  it('is not seen in a label that the query asks for', () => {
    const byService = [rule('stable', 'requests', 'requests', like('service', 'a|b'))];
    const found = createClassifier(byService)([
      sample({ pod: 'gw', service: 'a' }, 1),
      sample({ pod: 'gw', service: 'b' }, 2),
    ]);
    expect(found.map(({ counter }) => counter.value)).toEqual([1, 2]);
  });

  it('is not seen in two containers that count different things', () => {
    const found = counters(
      sample({ pod: 'a', container: 'x', path: '/x' }, 1),
      sample({ pod: 'a', container: 'y', path: '/y' }, 2),
    );
    expect(found.map(({ value }) => value)).toEqual([1, 2]);
  });
});

it('a series that both arms pick is refused', () => {
  const same: Rule[] = [
    { arm: 'stable', kind: 'requests', selector: [equal('__name__', 'requests')], perSecond: 1 },
    { arm: 'canary', kind: 'requests', selector: [equal('__name__', 'requests')], perSecond: 1 },
  ];
  expect(() => createClassifier(same)([sample({})])).toThrow("the arms can't be told apart");
});

describe('buckets', () => {
  const available = ['0.1', '0.3', '1.0', '+Inf'];

  it('are read at the bounds that are judged, with the total', () => {
    const chosen = withBuckets(rules, [1], available);
    expect(format(union(chosen.map(({ selector }) => selector)))).toBe(
      '{__name__=~"requests|duration_bucket",arm=~"stable|canary",le=~"|1\\\\.0|\\\\+Inf"}',
    );
  });

  it('are not read where no latency is judged', () => {
    expect(withBuckets(rules, [], available).map(({ kind }) => kind)).not.toContain('bucket');
  });

  it('keep 300 ms and 0.3 s the same bound', () => {
    const milliseconds: Rule[] = [{ ...rule('stable', 'bucket', 'duration_bucket'), perSecond: 1_000 }];
    const [chosen] = withBuckets(milliseconds, [0.3], ['300', '+Inf']);
    const [found] = createClassifier(chosen ? [chosen] : [])([sample({ __name__: 'duration_bucket', le: '300' })]);
    expect(found?.counter.le).toBe(0.3);
  });

  it('that do not exist are refused with those that do', () => {
    expect(() => withBuckets(rules, [0.25], available)).toThrow('no bucket bound at 250ms; it has 100ms, 300ms, 1s');
    expect(() => withBuckets(rules, [0.25], [])).toThrow(/latency histogram/i);
  });
});
