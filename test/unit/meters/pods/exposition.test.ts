import fc from 'fast-check';
import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { parseExposition } from '../../../../src/meters/pods/exposition.ts';

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
    'a 0x10',
    'a 0x1p-3',
    'a 1_2',
    'a{l="x",l="x"} 1',
    'a{__name__="x"} 1',
    'a{l="x" m="y"} 1',
    'a{l="x"+} 1',
    'a{l+="x"} 1',
    'a{,} 1',
    'a{"b"} 1',
    '{"a","b"} 1',
    '{"a".l="x"} 1',
    'a{l="x"} 1 2 NaN',
    'a 1 NaN',
    'a 1 # x',
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

/** Pages as the grammar of the formats allows them, with what they say. */
const grammar = {
  blanks: fc.stringMatching(/^[ \t]{0,3}$/),
  gap: fc.stringMatching(/^[ \t]{1,3}$/),
  name: fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,6}$/),
  label: fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,6}$/).filter((text) => text !== '__name__'),
  text: fc.string({ unit: 'binary' }).filter((text) => text !== '__name__'),
  number: fc.constantFrom(
    ...([
      ['1', 1],
      ['+2', 2],
      ['-.5', -0.5],
      ['3.', 3],
      ['4.25e-2', 0.0425],
      ['1E+3', 1000],
      ['007', 7],
      ['NaN', Number.NaN],
      ['nan', Number.NaN],
      ['+Inf', Number.POSITIVE_INFINITY],
      ['inf', Number.POSITIVE_INFINITY],
      ['-INF', Number.NEGATIVE_INFINITY],
      ['Infinity', Number.POSITIVE_INFINITY],
    ] as const),
  ),
};
const quote = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

const sampleLine = fc
  .record({
    name: fc.oneof(
      grammar.name.map((name) => ({ name, quoted: false })),
      grammar.text.map((name) => ({ name, quoted: true })),
    ),
    labels: fc.uniqueArray(
      fc.tuple(
        fc.oneof(
          grammar.label.map((label) => ({ label, quoted: false })),
          grammar.text.map((label) => ({ label, quoted: true })),
        ),
        grammar.text,
      ),
      { selector: ([{ label }]) => label, maxLength: 4 },
    ),
    at: fc.option(fc.integer({ min: -9e12, max: 9e12 }), { nil: undefined }),
    number: grammar.number,
    braces: fc.boolean(),
    comma: fc.boolean(),
    exemplar: fc.constantFrom('', '# {trace_id="a # {b"} 0.5', '# {} 1 1520879607.789', '#\t{x="y"} 1'),
    blanks: fc.array(grammar.blanks, { minLength: 32, maxLength: 32 }),
    gaps: fc.array(grammar.gap, { minLength: 3, maxLength: 3 }),
    /** Where among the labels a quoted name stands. */
    place: fc.nat(4),
  })
  .map(
    ({ name: { name, quoted }, labels, at, number: [shown, value], braces, comma, exemplar, blanks, gaps, place }) => {
      let next = 0;
      const _ = () => blanks[next++] ?? '';
      const items = labels.map(
        ([key, text]) => `${key.quoted ? quote(key.label) : key.label}${_()}=${_()}${quote(text)}`,
      );
      if (quoted) items.splice(place, 0, quote(name));
      const inside = items.map((item) => `${_()}${item}${_()}`).join(',');
      const set = items.length > 0 || braces ? `{${inside}${comma && items.length > 0 ? `,${_()}` : ''}}` : '';
      const head = `${_()}${quoted ? '' : name}${set === '' ? '' : _()}${set}${set === '' ? gaps[0] : _()}`;
      const time = at === undefined ? '' : `${gaps[1]}${at}`;
      const line = `${head}${shown}${time}${exemplar === '' ? _() : `${gaps[2]}${exemplar}`}`;
      const sample = {
        labels: Object.fromEntries([['__name__', name], ...labels.map(([{ label }, text]) => [label, text])]),
        value,
        ...(at !== undefined && { at }),
      };
      return { line, samples: [sample] };
    },
  );

const otherLine = fc
  .constantFrom(
    '',
    '#',
    '# HELP  x_b   "doc" {',
    '  #    TYPE    x counter',
    '#plain',
    '\t',
    '# UNIT x',
    '# EOF of nothing',
  )
  .map((line) => ({ line, samples: [] }));

describe('the grammar of the formats', () => {
  it('is read whatever it allows', () => {
    const page = fc.array(fc.oneof({ arbitrary: sampleLine, weight: 3 }, otherLine), { maxLength: 8 });
    fc.assert(
      fc.property(page, fc.constantFrom('\n', '\r\n'), fc.boolean(), fc.boolean(), (lines, newline, last, open) => {
        const text = lines.map(({ line }) => line).join(newline) + (last ? newline : '');
        const expected = lines.flatMap(({ samples }) => samples);
        const openMetrics = open ? `${text}${last || text === '' ? '' : newline}# EOF${newline}` : text;
        const factor = open ? 1_000 : 1;
        expect(parseExposition(openMetrics, all)).toEqual(
          expected.map(({ at, ...sample }) => ({ ...sample, ...(at !== undefined && { at: at * factor }) })),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('is what prom-client writes, in both formats', async () => {
    const text = new Registry();
    const openMetrics = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();
    openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    for (const registry of [text, openMetrics]) {
      const common = { help: 'A "help"\nof two lines \\ and more', registers: [registry] };
      new Counter({ ...common, name: 'requests_total', labelNames: ['path', 'code'] }).inc(
        { path: 'C:\\"new"\n', code: '' },
        3,
      );
      new Gauge({ ...common, name: 'load' }).set(Number.NEGATIVE_INFINITY);
      new Summary({ ...common, name: 'size', percentiles: [0.5] }).observe(7);
    }
    const help = 'Seconds';
    new Histogram({ name: 'took', help, buckets: [0.1, 1], registers: [text] }).observe(0.5);
    const took = new Histogram({
      name: 'took',
      help,
      buckets: [0.1, 1],
      registers: [openMetrics],
      enableExemplars: true,
    });
    took.observe({ labels: {}, value: 0.5, exemplarLabels: { trace_id: '} # {' } });
    const expected = [
      ['requests_total', { path: 'C:\\"new"\n', code: '' }, 3],
      ['load', {}, Number.NEGATIVE_INFINITY],
      ['size', { quantile: '0.5' }, 7],
      ['size_sum', {}, 7],
      ['size_count', {}, 1],
      ['took_bucket', { le: '0.1' }, 0],
      ['took_bucket', { le: '1' }, 1],
      ['took_bucket', { le: '+Inf' }, 1],
      ['took_sum', {}, 0.5],
      ['took_count', {}, 1],
    ];
    for (const page of [await text.metrics(), await openMetrics.metrics()]) {
      expect(values(page).map(([name, labels, value]) => [name, labels, value])).toEqual(expected);
    }
    expect(await openMetrics.metrics()).toContain('# {trace_id=');
  });

  it.each([
    ['blanks and tabs wherever two tokens meet', 'b{ l = "1" , }-Inf', [['b', { l: '1' }, Number.NEGATIVE_INFINITY]]],
    ['a tab before the braces', 'cart_total\t{code="200"} 1', [['cart_total', { code: '200' }, 1]]],
    ['a blank before the name', ' cart_total{code="200"} 1', [['cart_total', { code: '200' }, 1]]],
    ['a comment behind blanks', 'cart_total 1\n # HELP  cart_b   doc', [['cart_total', {}, 1]]],
    ['a type line behind blanks', '  #    TYPE    cart_total counter\ncart_total 1', [['cart_total', {}, 1]]],
    [
      'blanks at the end of a line',
      'sum_total 4424 \nsum_b 0  \t',
      [
        ['sum_total', {}, 4424],
        ['sum_b', {}, 0],
      ],
    ],
    ['a unit line without a unit', '# UNIT m\nm{l="x"} 456.2\n# EOF', [['m', { l: 'x' }, 456.2]]],
    [
      'no line break at the end',
      'a_total 1\nb_total 42',
      [
        ['a_total', {}, 1],
        ['b_total', {}, 42],
      ],
    ],
    ['a name between the labels', '{l="x", "my.metric"} 1', [['my.metric', { l: 'x' }, 1]]],
    ['a label called as what objects inherit', 'a{__proto__="x"} 1', [['a', { ['__proto__']: 'x' }, 1]]],
    [
      'what OpenMetrics alone has',
      '# TYPE st stateset\nst{st="on"} 1\n# TYPE b info\nb_info{v="1"} 1\n# TYPE g gaugehistogram\ng_gcount 2\ng_gsum 3\na_created 1.5e9\n# EOF',
      [
        ['st', { st: 'on' }, 1],
        ['b_info', { v: '1' }, 1],
        ['g_gcount', {}, 2],
        ['g_gsum', {}, 3],
        ['a_created', {}, 1.5e9],
      ],
    ],
  ])('%s', (_, text, expected) => {
    expect(values(text).map(([name, labels, value]) => [name, labels, value])).toEqual(expected);
  });
});

describe('a line that can not be read', () => {
  const wanted = (name: string) => name === 'cart_total';

  it('costs nothing but itself where it is of no wanted metric, and is told', () => {
    const told: string[] = [];
    const page = 'cart_total 1\n1970-01-01 WARN exporter is slow\x1b[0m\n- 2\n';
    expect(parseExposition(page, wanted, (problem) => told.push(problem)).map(({ value }) => value)).toEqual([1]);
    expect(told).toEqual([
      'shows 2 lines that are no samples of the Prometheus text format: 1970-01-01 WARN exporter is slow',
    ]);
  });

  it.each([
    'cart_total{code="500"',
    'cart_total{code="500"} 1,5',
    '0 cart_total{code="500"} 5',
    '- {a="b"}cart_total{code="500"} 5',
    '{"cart_total" 5',
  ])('makes the page unknown where it may be of a wanted one: %s', (line) => {
    expect(() => parseExposition(`cart_total{code="200"} 1\n${line}\n`, wanted)).toThrow('no sample of the Prometheus');
  });

  it.each([
    ['<!doctype html>\n<title>Log in</title>', 'HTML'],
    ['{"token":"very-secret"}', 'JSON'],
    ['very-secret', 'no page of metrics'],
    ['page not found', 'no page of metrics'],
  ])('is not quoted where nothing on the page is a metric: %j', (text, kind) => {
    expect(() => parseExposition(text, wanted)).toThrow(`the page is ${kind}`);
    expect(() => parseExposition(text, wanted)).not.toThrow('very-secret');
  });

  it('is no matter on a page without metrics yet', () => {
    expect(parseExposition('', wanted)).toEqual([]);
    expect(parseExposition('\n# TYPE cart_total counter\n', wanted)).toEqual([]);
    expect(parseExposition('other_total 1\n', wanted)).toEqual([]);
  });

  // Work that grows by the square of the text would take hours.
  it.each([
    ['blanks', false, ' '.repeat(2_000_000)],
    ['tabs and comments', false, '\t#'.repeat(1_000_000)],
    ['a name', false, 'a'.repeat(2_000_000)],
    ['digits', true, `cart_total ${'1'.repeat(2_000_000)}x`],
    ['escapes', true, `cart_total{a="${'\\"'.repeat(1_000_000)}`],
    ['labels', true, `cart_total{${'a="b" , '.repeat(300_000)}`],
    ['open braces', true, '{'.repeat(2_000_000)],
    ['empty lines', false, '\n'.repeat(300_000)],
  ])('takes time in proportion to its length: %s', (_, refused, line) => {
    const read = () => parseExposition(`cart_total 1\n${line}\n`, wanted).length;
    if (refused) expect(read).toThrow('no sample');
    else expect(read()).toBe(1);
  });
});
