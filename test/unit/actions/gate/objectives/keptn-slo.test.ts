import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { checksOf, converted, judged, refusal, type Values } from '../../../../support/objectives.ts';

interface Objective {
  readonly sli: string;
  readonly pass?: readonly (readonly string[])[];
  readonly warning?: readonly (readonly string[])[];
  readonly weight?: number;
  readonly key_sli?: boolean;
}

const blocks = (criteria: readonly (readonly string[])[] = []) => criteria.map((all) => ({ criteria: all }));

function slo(
  objectives: readonly Objective[],
  score: { pass: string; warning?: string } = { pass: '90%', warning: '75%' },
) {
  const written = objectives.map(({ pass, warning, ...more }) => ({
    ...more,
    pass: blocks(pass),
    warning: blocks(warning),
  }));
  const indicators = Object.fromEntries(objectives.map(({ sli }) => [sli, `max(${sli})`]));
  return [
    stringify({ spec_version: '1.0', objectives: written, total_score: score }),
    stringify({ spec_version: '1.0', indicators }),
  ].join('---\n');
}

const before = { before: '1d' };
const usual = { pass: [['<=15.0'], ['<=+10%']], warning: [['<=20.0'], ['<=+15%']] };
const at = (value: number, then = 10) => ({ value, before: then });

/** The figures of the tests of Keptn's lighthouse-service (evaluate_sli_handler_test.go), and what it says of them. */
it.each<[string, Objective[], Values, { verdict: string; warning?: boolean; score: number }]>([
  ['one objective that passes', [{ sli: 'a', ...usual }], { a: at(10) }, { verdict: 'passed', score: 100 }],
  ['one with a warning is half of it', [{ sli: 'a', ...usual }], { a: at(16) }, { verdict: 'failed', score: 50 }],
  [
    'objectives for information have no part',
    [{ sli: 'a', ...usual }, { sli: 'log' }],
    { a: at(10) },
    { verdict: 'passed', score: 100 },
  ],
  [
    'all criteria of a block',
    [{ sli: 'a', pass: [['<=+20%', '<500']] }],
    { a: at(1011.07, 1000) },
    { verdict: 'failed', score: 0 },
  ],
  [
    'criteria of two blocks',
    [{ sli: 'a', pass: [['<=+10%'], ['<=10']] }],
    { a: at(11, 9) },
    { verdict: 'failed', score: 0 },
  ],
  [
    'a key objective that fails',
    [
      { sli: 'a', ...usual },
      { sli: 'key', ...usual, key_sli: true },
    ],
    { a: at(10), key: at(30) },
    { verdict: 'failed', score: 50 },
  ],
  [
    'a warning of one of two',
    [
      { sli: 'a', ...usual },
      { sli: 'b', ...usual },
    ],
    { a: at(10), b: at(16) },
    { verdict: 'passed', warning: true, score: 75 },
  ],
  [
    'a failure of one of two',
    [
      { sli: 'a', ...usual },
      { sli: 'b', ...usual },
    ],
    { a: at(10), b: at(21) },
    { verdict: 'failed', score: 50 },
  ],
  [
    'weights',
    [
      { sli: 'a', ...usual },
      { sli: 'b', pass: [['=0']], weight: 9 },
    ],
    { a: at(21), b: 0 },
    { verdict: 'passed', score: 90 },
  ],
  [
    'an increase in per cent without a sign',
    [{ sli: 'a', pass: [['<=10%']] }],
    { a: at(11) },
    { verdict: 'passed', score: 100 },
  ],
  ['an absolute difference', [{ sli: 'a', pass: [['=-1.0']] }], { a: at(9) }, { verdict: 'passed', score: 100 }],
  [
    'a limit that is not accepted itself',
    [{ sli: 'a', pass: [['<600']] }],
    { a: 600 },
    { verdict: 'failed', score: 0 },
  ],
])('as Keptn: %s', async (_, objectives, values, { verdict, warning = false, score }) => {
  const read = converted(slo(objectives), { comparedWith: before });
  expect(await judged(read, values)).toEqual({ verdict, warning, score: { least: score, most: score } });
});

it('without a score for a warning, all below the score to pass fails', async () => {
  const read = converted(
    slo(
      [
        { sli: 'a', pass: [['<1']], warning: [['<5']] },
        { sli: 'b', pass: [['<1']] },
      ],
      { pass: '90' },
    ),
  );
  expect(await judged(read, { a: 2, b: 0 })).toMatchObject({ verdict: 'failed', score: { least: 75 } });
});

it('what was not measured is a failure for Keptn; here it passes no more, and is undecided', async () => {
  const read = converted(
    slo([
      { sli: 'a', pass: [['<1']] },
      { sli: 'b', pass: [['<1']] },
    ]),
  );
  expect(await judged(read, { a: 0 })).toEqual({
    verdict: 'undecided',
    warning: false,
    score: { least: 50, most: 100 },
  });
});

it('compares with former evaluations only by what stands for them', () => {
  const text = slo([
    { sli: 'a', ...usual },
    { sli: 'b', pass: [['<1']] },
  ]);
  expect(refusal(text)).toContain('objectives-accept: a.comparison');
  expect(checksOf(converted(text, { accept: ['a.comparison'] })).map(({ name }) => name)).toEqual(['b']);
  expect(converted(text, { comparedWith: 'stable' }).written).toContain('relative-to: stable');
});

it('fills in filters, the duration and what the user gives', () => {
  const text = `${slo([{ sli: 'a', pass: [['<1']] }]).replace('max(a)', `sum(rate(x{job="$SERVICE",h="$handler"}[$DURATION_SECONDS]))`)}`;
  const filtered = text.replace('objectives:', 'filter:\n  handler: "\'/cart\'"\nobjectives:');
  expect(refusal(filtered)).toContain('objectives-values: SERVICE=VALUE');
  expect(converted(filtered, { values: new Map([['SERVICE', 'shop']]) }).written).toContain(
    'sum(rate(x{job="shop",h="/cart"}[300s]))',
  );
});

it.each([
  ['a criterion that is none', slo([{ sli: 'a', pass: [['==5']] }]), 'no criterion'],
  ['no score', 'spec_version: "1.0"\nobjectives: []\n', '"total_score" is missing'],
  ['a score beyond 100', slo([{ sli: 'a', pass: [['<5']] }], { pass: '190%' }), 'not per cent'],
  ['objectives for information alone', slo([{ sli: 'a' }]), 'no document says anything that a gate could judge'],
  [
    'a query of Dynatrace',
    slo([{ sli: 'a', pass: [['<5']] }]).replace('max(a)', 'metricSelector=builtin:x'),
    'Dynatrace',
  ],
  ['queries alone', 'spec_version: "1.0"\nindicators:\n  a: up\n', 'no slo.yaml'],
  [
    'a field that is not known',
    slo([{ sli: 'a', pass: [['<5']] }]).replace('total_score:', 'tolerance: 5\ntotal_score:'),
    'slo.tolerance',
  ],
  ['no query', slo([{ sli: 'a', pass: [['<5']] }]).split('---\n')[0] ?? '', 'objectives-accept: a.query'],
])('says of %s: %s', (_, text, words) => {
  expect(refusal(text)).toContain(words);
});
