import fc from 'fast-check';
import { expect, it } from 'vitest';
import { criteria } from '../../../../../src/actions/checks/criteria-setting.ts';
import {
  acceptOf,
  intersection,
  numbersThat,
  type Relation,
  union,
  without,
} from '../../../../../src/actions/gate/objectives/number-set.ts';
import { readQuantity } from '../../../../../src/actions/gate/objectives/quantity.ts';
import { meets } from '../../../../../src/judge/looks/criteria.ts';
import { checksOf, converted, judged, refusal } from '../../../../support/objectives.ts';

const slo = `spec_version: "1.0"
objectives: [{sli: latency, pass: [{criteria: ["<600"]}]}]
total_score: {pass: "90%"}
---
indicators: {latency: max(latency)}
`;
const argo = `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: errors}
spec:
  metrics: [{name: errors, successCondition: "result[0] < 1", provider: {prometheus: {query: max(errors)}}}]
`;

it('objectives without a score have to hold beside those with one', async () => {
  const read = converted(`${slo}---\n${argo}`);
  expect(checksOf(read)).toMatchObject([
    { name: 'latency', weight: 1, key: false },
    { name: 'errors', weight: 0, key: true },
  ]);
  expect(await judged(read, { latency: 1, errors: 5 })).toMatchObject({ verdict: 'failed', score: { least: 100 } });
  expect(await judged(read, { latency: 700, errors: 0 })).toMatchObject({ verdict: 'failed', score: { most: 0 } });
  expect(await judged(read, { latency: 1, errors: 0 })).toMatchObject({ verdict: 'passed', warning: false });
});

it('reads lists of objects, and tells of others', () => {
  const indented = argo.replaceAll('\n', '\n    ');
  const read = converted(
    `apiVersion: v1\nkind: List\nitems:\n  - ${indented}\n  - {apiVersion: v1, kind: Service, metadata: {name: shop}}\n`,
  );
  expect(checksOf(read)).toHaveLength(1);
  expect(read.remarks.join(' ')).toContain('Service shop');
});

it.each([
  ['nothing', '', 'the files are empty'],
  ['other objects', 'apiVersion: v1\nkind: Service\n', 'no objectives'],
  ['no YAML', 'a: [', 'is not YAML'],
  ['two scores', `${slo}---\n${slo.split('---\n')[0]}`, 'a score of its own'],
])('says of %s: %s', (_, text, words) => {
  expect(refusal(text)).toContain(words);
});

it('refuses to accept what is not there', () => {
  expect(refusal(argo, { accept: ['errors.initialDelay'] })).toContain(
    '"errors.initialDelay" is nothing that the files have',
  );
});

const numbers = fc.constantFrom(-2, -1, 0, 1, 2);
const relation = fc.constantFrom<Relation>('<', '<=', '=', '!=', '>=', '>');
const truths = {
  '<': (a: number, b: number) => a < b,
  '<=': (a: number, b: number) => a <= b,
  '=': (a: number, b: number) => a === b,
  '!=': (a: number, b: number) => a !== b,
  '>=': (a: number, b: number) => a >= b,
  '>': (a: number, b: number) => a > b,
};

it('sets of numbers hold what their conditions say, and become criteria that accept just those', () => {
  fc.assert(
    fc.property(relation, numbers, relation, numbers, fc.boolean(), fc.boolean(), (r, a, s, b, isUnion, isNot) => {
      const [first, second] = [numbersThat(r, a), numbersThat(s, b)];
      const joined = isUnion ? union(first, second) : intersection(first, second);
      const accept = criteria.parse(acceptOf(isNot ? without(joined) : joined));
      for (const value of [-3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3]) {
        const [one, other] = [truths[r](value, a), truths[s](value, b)];
        const holds = isUnion ? one || other : one && other;
        expect(meets(value, accept, undefined)).toBe(holds !== isNot);
      }
    }),
  );
});

it.each([
  ['0.5', 0.5],
  ['500m', 0.5],
  ['1k', 1000],
  ['10Mi', 10_485_760],
  ['1e3', 1000],
  ['-3', -3],
  ['.5', 0.5],
  ['500ms', undefined],
  ['', undefined],
])('the quantity %s is %s', (text, value) => {
  expect(readQuantity(text)).toBe(value);
});
