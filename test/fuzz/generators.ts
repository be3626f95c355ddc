import fc from 'fast-check';

/** What readers stumble over: signs of the formats that are read, and what no format has. */
const oddTexts = [
  '',
  ' ',
  '\t',
  '\n',
  '\r\n',
  '\0',
  '\u0085',
  '\u2028',
  '\u200b',
  '\ufeff',
  '\u{1f600}',
  '\ud800',
  '"',
  "'",
  '`',
  '\\',
  '${',
  '}',
  '{',
  '[',
  ']',
  '(',
  ')',
  '<',
  '>',
  '&x ',
  '*x',
  '!x ',
  '|',
  '#',
  '%',
  '@',
  ':',
  ': ',
  ';',
  ',',
  '=',
  '--',
  '---\n',
  '- ',
  '../',
  '%2e%2e/',
  '::add-mask::x',
  '__proto__',
  'constructor',
  'NaN',
  '+Inf',
  '-1',
  '1e999',
  '9007199254740993',
  'null',
  'true',
  '{}',
  '[]',
];

/** Lengths that show a reader whose time grows faster than its text. */
const longest = 50_000;

const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  what: fc.oneof(
    { weight: 60, arbitrary: fc.record({ insert: fc.constantFrom(...oddTexts) }) },
    { weight: 20, arbitrary: fc.record({ insert: fc.string({ unit: 'binary', maxLength: 12 }) }) },
    { weight: 30, arbitrary: fc.record({ remove: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 20, arbitrary: fc.record({ copy: fc.integer({ min: 1, max: 200 }) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        repeat: fc.constantFrom(...oddTexts, 'a', 'a ', '1'),
        times: fc.constantFrom(1_000, longest),
      }),
    },
  ),
});

type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

function change(text: string, { at, what }: Edit): string {
  const place = Math.floor(at * text.length);
  const [before, after] = [text.slice(0, place), text.slice(place)];
  if ('insert' in what) return before + what.insert + after;
  if ('remove' in what) return before + after.slice(what.remove);
  if ('copy' in what) return before + after.slice(0, what.copy) + after;
  return before + what.repeat.repeat(Math.ceil(what.times / Math.max(1, what.repeat.length))) + after;
}

/** What is opened again and again and never closed, or closed as often. */
const nestings = [
  ['[', ']'],
  ['{"a":', '}'],
  ['{a: ', '}'],
  ['(', ')'],
  ['- ', ''],
  ['? ', ''],
  ['"', ''],
  ["'", ''],
  ['`', ''],
  ['<a>', '</a>'],
  ['${', '}'],
  ['sum(', ')'],
  ['&a [*a,', ']'],
] as const;

const nested = fc
  .record({
    of: fc.constantFrom(...nestings),
    depth: fc.constantFrom(3, 300, 5_000),
    isClosed: fc.boolean(),
  })
  .map(({ of: [open, close], depth, isClosed }) => `${open.repeat(depth)}1${isClosed ? close.repeat(depth) : ''}`);

/** What happens to a whole text on its way. */
const deliveries: readonly ((text: string) => string)[] = [
  (text) => `\ufeff${text}`,
  (text) => text.replaceAll('\n', '\r\n'),
  (text) => text.replaceAll('\n', '\r'),
  (text) => text.slice(0, text.length / 2),
  (text) => text.slice(text.length / 2),
  (text) => text + text,
  (text) => text.toUpperCase(),
  (text) => [...text].join('\0'),
  (text) => text.repeat(Math.ceil(longest / Math.max(1, text.length))),
];

/** Texts that are nearly right: one of the samples with a few changes; rarely one that is nothing of the kind. */
export function nearly(...samples: readonly string[]): fc.Arbitrary<string> {
  const changed = fc
    .tuple(fc.constantFrom(...samples), fc.array(edit, { maxLength: 4 }))
    .map(([sample, edits]) => edits.reduce(change, sample));
  const delivered = fc
    .tuple(fc.constantFrom(...samples), fc.constantFrom(...deliveries))
    .map(([sample, deliver]) => deliver(sample));
  const grown = fc
    .tuple(fc.constantFrom(...samples), nested, fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([sample, text, at]) => change(sample, { at, what: { insert: text } }));
  return fc.oneof(
    { weight: 84, arbitrary: changed },
    { weight: 6, arbitrary: delivered },
    { weight: 1, arbitrary: grown },
    { weight: 1, arbitrary: nested },
    { weight: 8, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  );
}

/** Deeper than whatever walks through a value by itself can go. */
function nestedValue(depth: number, wrap: (inner: unknown) => unknown): unknown {
  return Array.from({ length: depth }).reduce<unknown>((inner) => wrap(inner), 1);
}

const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 40,
    arbitrary: fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 1e21, 2 ** 53, -1e308, '', [], {}, [[]], [null]),
  },
  { weight: 30, arbitrary: fc.constantFrom(...oddTexts) },
  { weight: 20, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  { weight: 20, arbitrary: fc.anything({ maxDepth: 2, withBigInt: false }) },
  { weight: 1, arbitrary: fc.constantFrom(...oddTexts).map((text) => text.repeat(longest)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      nestedValue(200, (inner) => [inner]),
      nestedValue(200, (a) => ({ a })),
      Array.from({ length: 2_000 }, (_, index) => index),
      Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`key ${index}`, 'x'])),
      JSON.parse('{"__proto__": {"name": 1}, "constructor": {"prototype": 1}, "toString": 2}'),
    ),
  },
);

/** Where a value stands in another one: keys and indexes. */
type Path = readonly string[];

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

function replace(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value))
    return value.map((inner, index) => (String(index) === key ? replace(inner, rest, by) : inner));
  if (typeof value !== 'object' || value === null) return by;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      if (name !== key) return [[name, inner]];
      const changed = replace(inner, rest, by);
      return changed === undefined ? [] : [[name, changed]];
    }),
  );
}

/**
 * Values that are nearly right: one of the samples with a few of its parts taken away or replaced. They are what JSON can say:
 * nothing else comes from a server.
 */
export function nearlyJson(...samples: readonly unknown[]): fc.Arbitrary<unknown> {
  const edits = fc.array(fc.tuple(fc.nat(), fc.option(oddValue, { nil: undefined })), { maxLength: 3 });
  return fc.tuple(fc.constantFrom(...samples), edits).map(([sample, changes]) => {
    const changed = changes.reduce((value, [place, by]) => {
      const paths = pathsOf(value);
      return replace(value, paths[place % paths.length] ?? [], by);
    }, sample);
    return JSON.parse(JSON.stringify(changed) ?? 'null');
  });
}

/** JSON as a program or a server writes it: nearly right in its values, and now and then in its signs. */
export function nearlyJsonText(...samples: readonly unknown[]): fc.Arbitrary<string> {
  const texts = samples.map((sample) => JSON.stringify(sample));
  return fc.oneof(
    { weight: 3, arbitrary: nearlyJson(...samples).map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: nearly(...texts) },
  );
}
