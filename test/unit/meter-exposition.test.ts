import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExposition } from '../../src/meters/exposition.ts';

const all = () => true;
const values = (text: string) =>
  parseExposition(text, all).map(({ labels: { __name__, ...labels }, value, at }) => [__name__, labels, value, at]);

describe('the text format', () => {
  it('is read as in the documentation of Prometheus', () => {
    const text = `# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9

metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -3982045
no_value NaN
trailing_comma{a="b",} 1e3
spaced { a = "b" } -.5
`;
    expect(values(text)).toEqual([
      ['http_requests_total', { method: 'post', code: '200' }, 1027, 1395066363000],
      ['http_requests_total', { method: 'post', code: '400' }, 3, 1395066363000],
      [
        'msdos_file_access_time_seconds',
        { path: 'C:\\DIR\\FILE.TXT', error: 'Cannot find file:\n"FILE.TXT"' },
        1458255915,
        undefined,
      ],
      ['metric_without_timestamp_and_labels', {}, 12.47, undefined],
      ['something_weird', { problem: 'division by zero' }, Number.POSITIVE_INFINITY, -3982045],
      ['no_value', {}, Number.NaN, undefined],
      ['trailing_comma', { a: 'b' }, 1000, undefined],
      ['spaced', { a: 'b' }, -0.5, undefined],
    ]);
  });

  it('reads names that are quoted in the braces', () => {
    expect(values('{"http.requests","http.status"="200",a="b"} 1')).toEqual([
      ['http.requests', { 'http.status': '200', a: 'b' }, 1, undefined],
    ]);
  });

  it('is told from OpenMetrics, whose timestamps are seconds and whose samples carry exemplars', () => {
    const text = `# TYPE foo histogram
foo_bucket{le="0.1"} 8 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.067
foo_bucket{le="+Inf"} 17 # {} 9.8 1520879607.789
# EOF
`;
    expect(values(text)).toEqual([
      ['foo_bucket', { le: '0.1' }, 8, 1520879607789],
      ['foo_bucket', { le: '+Inf' }, 17, undefined],
    ]);
  });

  it('reads only the metrics that are wanted', () => {
    const text = 'wanted 1\nother{broken 2\nwanted_too 3\n';
    expect(parseExposition(text, (name) => name === 'wanted').map(({ value }) => value)).toEqual([1]);
  });

  it.each([
    '<html><body>404</body></html>',
    'a',
    'a{b="c" 1',
    'a{b=c} 1',
    'a x',
    'a 1 2 3',
    '{a="b"} 1',
    'a{b="c"}1',
    'a 0x10',
    '{"error": "no"}',
  ])('refuses %j', (line) => {
    expect(() => parseExposition(line, all)).toThrow('no sample of the Prometheus text format');
  });

  it('reads back what was written', () => {
    const escaped = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
    const name = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,8}$/);
    const label = fc
      .stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/)
      .filter((text) => text !== '__name__' && text !== '__proto__');
    const sample = fc.record({
      name,
      labels: fc.dictionary(label, fc.string({ unit: 'binary' }), { noNullPrototype: true }),
      // Adding nothing makes a positive zero of the negative one, which has no text of its own.
      value: fc.oneof(fc.double(), fc.nat()).map((value) => value + 0),
      at: fc.option(fc.nat(), { nil: undefined }),
    });
    const shown = (value: number) => (Number.isFinite(value) ? String(value) : `${value}`.replace('Infinity', 'Inf'));
    fc.assert(
      fc.property(fc.array(sample), (samples) => {
        const text = samples
          .map(({ name, labels, value, at }) => {
            const pairs = Object.entries(labels).map(([key, content]) => `${key}="${escaped(content)}"`);
            return `${name}{${pairs.join(',')}} ${shown(value)}${at === undefined ? '' : ` ${at}`}\n`;
          })
          .join('');
        expect(parseExposition(text, all)).toEqual(
          samples.map(({ name, labels, value, at }) => ({
            labels: { ...labels, __name__: name },
            value,
            ...(at !== undefined && { at }),
          })),
        );
      }),
    );
  });
});
