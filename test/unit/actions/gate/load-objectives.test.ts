import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadGateInputs } from '../../../../src/actions/gate/inputs.ts';

const workspace = await mkdtemp(join(tmpdir(), 'objectives-'));
const slo = `spec_version: "1.0"
objectives: [{sli: latency, pass: [{criteria: ["<600"]}]}]
total_score: {pass: "90%", warning: "75%"}
`;
const argo = (count: number, delay = '') => `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: errors-${count}}
spec:
  metrics:
    - {name: errors, interval: 1m, count: ${count}, ${delay}successCondition: "result[0] < 1", provider: {prometheus: {query: max(errors)}}}
`;
await writeFile(join(workspace, 'slo.yaml'), slo);
await writeFile(join(workspace, 'sli.yaml'), 'indicators: {latency: max(latency)}\n');
await writeFile(join(workspace, 'five.yaml'), argo(5));
await writeFile(join(workspace, 'nine.yaml'), argo(9));
await writeFile(join(workspace, 'late.yaml'), argo(2, 'initialDelay: 2m, '));

const load = (given: Record<string, string>) => loadGateInputs(given, () => undefined, workspace);

it('the score of the files counts', async () => {
  const inputs = await load({ objectives: 's*.yaml' });
  expect(inputs).toMatchObject({ require: 'score', 'pass-score': 90, 'warn-score': 75, watch: 0 });
  expect(inputs.checks.map(({ name }) => name)).toEqual(['latency']);
  expect(inputs.loaded?.written).toContain('accept:\n    - < 600');
});

it('the rhythm of the files counts, unless the user gives one', async () => {
  expect(await load({ objectives: 'five.yaml' })).toMatchObject({ watch: 240_000, interval: 60_000 });
  const own = await load({ objectives: 'five.yaml, nine.yaml', watch: '10m' });
  expect(own).toMatchObject({ watch: 600_000, interval: 15_000 });
  expect(own.loaded?.remarks.join(' ')).toContain('as the inputs say');
  await expect(load({ objectives: 'five.yaml, nine.yaml' })).rejects.toThrow('give "watch" and "interval"');
});

it('checks stand beside objectives, with names of their own', async () => {
  const check = '[{check: promql, name: NAME, query: up, below: 1}]';
  const both = await load({ objectives: 'five.yaml', checks: check.replace('NAME', 'own') });
  expect(both.checks.map(({ name }) => name)).toEqual(['own', 'errors-5.errors']);
  await expect(load({ objectives: 'five.yaml', checks: check.replace('NAME', 'errors-5.errors') })).rejects.toThrow(
    '"checks" and "objectives" both have errors-5.errors',
  );
});

it.each([
  [{ objectives: 'slo.yaml, sli.yaml', require: 'all' }, '"require" contradicts "objectives"'],
  [{ objectives: 'nothing.yaml' }, 'nothing.yaml is no file'],
  [{ objectives: '../*.yaml' }, 'objectives'],
  [{ objectives: 'late.yaml' }, 'objectives-accept: errors-2.errors.initialDelay'],
  [{ objectives: 'slo.yaml', 'objectives-values': 'SERVICE' }, 'NAME=VALUE'],
  [{ objectives: 'slo.yaml', 'objectives-compared-with': 'yesterday' }, 'neither stable nor a time'],
  [{ checks: '[{check: promql, query: up, below: 1}]', 'objectives-accept': 'x' }, 'no effect without "objectives"'],
  [{}, 'give "checks" or "objectives"'],
])('refuses %j: %s', async (given, words) => {
  await expect(load(given)).rejects.toThrow(words);
});

it('what is accepted is kept to be told', async () => {
  const inputs = await load({ objectives: 'late.yaml', 'objectives-accept': 'errors-2.errors.initialDelay' });
  expect(inputs.loaded?.leftOut).toMatchObject([{ instead: 'the first look comes at once' }]);
});
