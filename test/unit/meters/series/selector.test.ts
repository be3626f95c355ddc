import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createFilter,
  equal,
  escapeRegex,
  format,
  like,
  type Matcher,
  type Selector,
  union,
} from '../../../../src/meters/series/selector.ts';

const requests = (...matchers: Matcher[]): Selector => [equal('__name__', 'http_requests_total'), ...matchers];

describe('a selector as PromQL', () => {
  it('begins with the name', () => {
    expect(format(requests(equal('code', '200'), like('pod', 'a|b')))).toBe(
      'http_requests_total{code="200",pod=~"a|b"}',
    );
    expect(format(requests())).toBe('http_requests_total');
  });

  it('escapes values, and quotes names that PromQL does not know', () => {
    expect(format([like('__name__', 'a|b'), equal('path', '/"x"\\\n')])).toBe(
      '{__name__=~"a|b",path="/\\"x\\"\\\\\\n"}',
    );
    expect(format([equal('__name__', 'http.requests'), equal('http.status', '1')])).toBe(
      '{__name__="http.requests","http.status"="1"}',
    );
  });
});

describe('a filter', () => {
  const picks = (matcher: Matcher, labels: Record<string, string>) => createFilter([matcher])(labels);

  it('takes an absent label for an empty one', () => {
    expect(picks(equal('canary', ''), {})).toBe(true);
    expect(picks({ label: 'canary', op: '!=', value: '' }, {})).toBe(false);
    expect(picks(like('canary', '.*'), {})).toBe(true);
  });

  it('anchors regular expressions', () => {
    expect(picks(like('code', '5..'), { code: '503' })).toBe(true);
    expect(picks(like('code', '5..'), { code: '1503' })).toBe(false);
    expect(picks({ label: 'code', op: '!~', value: '5..|4..' }, { code: '404' })).toBe(false);
  });
});

describe('the union of selectors', () => {
  it('keeps what all of them say', () => {
    const stable = requests(equal('app', 'checkout'), equal('version', 'v1'));
    const canary = requests(equal('app', 'checkout'), equal('version', 'v2'), like('code', '5..'));
    expect(format(union([stable, canary]))).toBe('http_requests_total{app="checkout",version=~"v1|v2"}');
  });

  it('drops a label that one of them leaves open', () => {
    expect(format(union([requests(equal('a', '1')), requests(equal('b', '1'))]))).toBe('http_requests_total');
  });

  const label = fc.constantFrom('a', 'b', '__name__');
  const value = fc.constantFrom('', 'x', 'y', 'x.y', 'x+y');
  const matcher: fc.Arbitrary<Matcher> = fc.oneof(
    fc.record({ label, op: fc.constantFrom('=' as const, '!=' as const), value }),
    fc.record({
      label,
      op: fc.constantFrom('=~' as const, '!~' as const),
      value: fc.oneof(value.map(escapeRegex), fc.constantFrom('x|y', '.*', '.+', 'x.y')),
    }),
  );
  const labels = fc.dictionary(label, value, { maxKeys: 3 });

  it('picks every series that one of them picks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(matcher, { maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        labels,
        (selectors, series) => {
          const wanted = selectors.some((selector) => createFilter(selector)(series));
          expect(!wanted || createFilter(union(selectors))(series)).toBe(true);
        },
      ),
    );
  });
});
