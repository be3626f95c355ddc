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

/** Texts that are nearly right: one of the samples with a few changes; rarely one that is nothing of the kind. */
export function nearly(...samples: readonly string[]): fc.Arbitrary<string> {
  const changed = fc
    .tuple(fc.constantFrom(...samples), fc.array(edit, { maxLength: 4 }))
    .map(([sample, edits]) => edits.reduce(change, sample));
  return fc.oneof(
    { weight: 9, arbitrary: changed },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  );
}

const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false, 0, -1, 1.5, 1e21, '', [], {}),
  fc.constantFrom(...oddTexts),
  fc.string({ maxLength: 20 }),
  fc.anything({ maxDepth: 2, withBigInt: false }),
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
