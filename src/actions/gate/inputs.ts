// biome-ignore-all lint/suspicious/noTemplateCurlyInString: workflow expressions and query placeholders are what users write
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import type { Requirement } from '../../gates/verdict.ts';
import { input } from '../../runner/input-schema.ts';
import { choice, duration, inputType, list, number, probability, rate, text, wrong } from '../../runner/input-types.ts';
import { type GivenInputs, inputRefusal, parseInputs } from '../../runner/parse-inputs.ts';
import { clusterSecrets } from '../../runner/secrets.ts';
import { clusterInputs, reportInput } from '../../runner/shared-inputs.ts';
import { connectionSecrets } from '../checks/connections-input.ts';
import { gateChecks } from '../checks/kinds/index.ts';
import { ownTrafficProblems } from '../checks/own-traffic.ts';
import {
  prometheusContradictions,
  prometheusInputs,
  prometheusSecrets,
  prometheusTokenIn,
} from '../checks/prometheus-inputs.ts';
import { serverInputs } from '../checks/server-inputs.ts';
import { type LoadedObjectives, withObjectives } from './load-objectives.ts';
import { comparedWith, placeholderValues } from './objectives-input.ts';

const percentage = inputType('per cent from 0 to 100: 90', (given) => {
  const [, digits = ''] = /^(\d+(?:\.\d+)?) ?%?$/.exec(given) ?? [];
  const value = digits === '' ? Number.NaN : Number(digits);
  return value <= 100 ? value : wrong(`"${given}" is not per cent from 0 to 100.`);
});

const groupWeights = inputType('lines of GROUP=WEIGHT', (given): Readonly<Record<string, number>> => {
  const weights = new Map<string, number>();
  for (const line of given.split(/[,\n]/).map((one) => one.trim())) {
    if (line === '') continue;
    const [, name, weight] = /^([\w.-]+)\s*=\s*(\d+(?:\.\d+)?)$/.exec(line) ?? [];
    if (name === undefined || !(Number(weight) > 0))
      return wrong(`"${line}" is not of the form GROUP=WEIGHT, with a weight above 0.`);
    if (weights.has(name)) return wrong(`names ${name} twice.`);
    weights.set(name, Number(weight));
  }
  return Object.fromEntries(weights);
});

/** Every input of `actions/gate`. The runner's names, `action.yml` and the documentation follow this list. */
export const gateInputs = z.strictObject({
  ...clusterInputs('the workloads that checks name'),

  checks: input(gateChecks, {
    group: 'question',
    description:
      'What is looked at, as a YAML list; see [Checks](#checks). Each check may have `name`, `on-breach: fail` or `warn`, `key: true` (can not be outvoted), `weight` and `group`. Or give `objectives`.',
    example: '- {check: promql, query: "max(queue_length)", above: 100}',
  }),
  objectives: input(list, {
    group: 'question',
    description:
      'Files (globs, relative to the repository) with objectives that you have already: see [What you have already](#what-you-have-already). They become checks, which the log shows to copy; what checks can not say is refused by name.',
    example: 'slo.yaml, sli.yaml',
  }),
  'objectives-values': input(placeholderValues, {
    group: 'question',
    description: 'What the placeholders of `objectives` stand for, as lines of NAME=VALUE.',
    example: 'SERVICE=checkout',
  }),
  'objectives-accept': input(list, {
    group: 'question',
    description: 'What of `objectives` the gate goes without, by the names that its refusal gives.',
    example: 'success-rate.initialDelay',
  }),
  'objectives-compared-with': input(comparedWith, {
    group: 'question',
    description:
      'What stands for the former results that `objectives` compare with: `stable`, or the same time before.',
    example: '1d',
  }),
  watch: input(duration, {
    group: 'question',
    description: 'How long to watch, with a verdict as soon as nothing can change it. Without it, one look.',
    default: '0s',
    example: '10m',
  }),
  interval: input(duration, {
    group: 'question',
    description: 'Time between two looks.',
    default: '15s',
    example: '1m',
  }),
  window: input(duration, {
    group: 'question',
    description: 'How far back the first look of a check that counts goes.',
    default: '5m',
    example: '1h',
  }),
  stable: input(text, {
    group: 'question',
    description: 'Name of the workload that serves, for `${workload}` in queries and `relative-to: stable`.',
    example: 'checkout',
  }),
  canary: input(text, {
    group: 'question',
    description: 'Name of the workload of the new version, for `${workload}` in queries.',
    example: 'checkout-canary',
  }),

  require: input(choice('all', 'any', 'score'), {
    group: 'verdict',
    description:
      'What it takes to pass: `all` checks, `any` of them, or a `score`: the share of the weights of checks that passed, a warning counting half.',
    default: 'all',
    example: 'score',
  }),
  'pass-score': input(percentage, {
    group: 'verdict',
    description: 'Score in per cent to pass without a warning. With `require: score`.',
    default: '90',
    example: '95',
  }),
  'warn-score': input(percentage, {
    group: 'verdict',
    description: 'Score in per cent to pass with a warning; below it the gate fails. With `require: score`.',
    default: '75',
    example: '80',
  }),
  'group-weights': input(groupWeights, {
    group: 'verdict',
    description: 'Weights of the groups of checks in the score. Without it, each check counts by its own weight.',
    example: 'latency=60, errors=40',
  }),
  'on-undecided': input(choice('fail', 'pass'), {
    group: 'verdict',
    description:
      'What the job does where the gate can not tell: no data, too little traffic, or doubt. `pass` goes on without an answer, with a warning; output `verdict` says `undecided` all the same.',
    default: 'fail',
    example: 'pass',
  }),
  'false-failure-probability': input(probability, {
    group: 'verdict',
    description: 'Probability that checks of rates fail a service that is as accepted, over all looks of all of them.',
    default: '0.01',
    example: '0.001',
  }),
  'must-detect': input(rate, {
    group: 'verdict',
    description:
      'Rate that a check of rates has to be able to find: where traffic is too low for that, it is undecided instead of passed.',
    default: '5%',
    example: '1%',
  }),
  'burst-size': input(number(1), {
    group: 'verdict',
    description:
      'How many bad events one cause produces on average, by retries or batches. The evidence is divided by it.',
    default: '1',
    example: '3',
  }),
  'no-data-patience': input(duration, {
    group: 'verdict',
    description: 'How long data may be missing in a row until a check is undecided for good.',
    default: '2m',
    example: '5m',
  }),

  ...prometheusInputs,
  ...serverInputs,
  report: reportInput('sluice-gate.json'),
});
export type GateInputs = z.infer<typeof gateInputs> & {
  readonly checks: NonNullable<z.infer<typeof gateInputs>['checks']>;
  /** What the files of `objectives` became. */
  readonly loaded?: LoadedObjectives;
};

/** Every output of `actions/gate` with its description. */
export const gateOutputs = {
  verdict: '`passed`, `failed` or `undecided`.',
  passed: '`true` where the verdict is `passed`.',
  warning: '`true` where it passed in the band before a failure.',
  reason: 'Why, in one sentence.',
  lacks: 'What an undecided gate lacks: `data`, `traffic` or `certainty`.',
  score: 'Score in per cent, with `require: score`; the lowest that it can be where checks are undecided.',
  report: 'Path of the JSON report.',
  'report-html': 'Path of the same report as one HTML page, to be uploaded. It needs nothing from elsewhere.',
} as const;

const ACTION = 'gate';

/** Secrets among the inputs. */
export function gateSecrets(given: GivenInputs): string[] {
  return [
    ...clusterSecrets(given),
    ...prometheusSecrets(given),
    ...connectionSecrets(given.connections),
    given.token ?? '',
  ];
}

/** @throws SluiceError `invalid-input` that names everything that is wrong */
export async function loadGateInputs(
  given: GivenInputs,
  mask: (secrets: readonly string[]) => void,
  workspace: string,
): Promise<GateInputs> {
  mask(await prometheusTokenIn(given['prometheus-token-file'], (path) => readFile(path, 'utf8')));
  const parsed = parseInputs(gateInputs, given, ACTION);
  const { inputs, objectives: loaded } = await withObjectives(parsed, given, workspace);
  const problems = contradictionsOf(inputs);
  if (problems.length > 0) throw inputRefusal(problems, ACTION);
  return { ...inputs, checks: inputs.checks ?? [], ...(loaded && { loaded }) };
}

function contradictionsOf(inputs: z.infer<typeof gateInputs>): string[] {
  const { checks, require, watch, interval } = inputs;
  const groups = inputs['group-weights'];
  const problems: string[] = prometheusContradictions(inputs);
  if (checks === undefined) problems.push('Nothing says what is looked at: give "checks" or "objectives".');
  else if (checks.every(({ onBreach }) => onBreach === 'warn'))
    problems.push(
      'All "checks" are of "on-breach: warn", so that none can fail the gate: let one be "on-breach: fail".',
    );
  problems.push(...ownTrafficProblems(checks ?? []));
  if (inputs.prometheus !== undefined && inputs.connections?.has('prometheus'))
    problems.push('Both "prometheus" and "connections" say where Prometheus is: give one.');
  if (interval < 1_000) problems.push('"interval" is below 1s: give at least that.');
  if (watch > 0 && watch < interval)
    problems.push('"watch" is shorter than "interval": there would be one look; leave "watch" out for that.');
  if (require !== 'score' && groups !== undefined)
    problems.push('"group-weights" has no effect without "require: score".');
  if (inputs['warn-score'] > inputs['pass-score'])
    problems.push('"warn-score" is above "pass-score": a warning comes before a pass.');
  if (groups !== undefined) {
    const named = new Set(Object.keys(groups));
    const used = new Set(
      (checks ?? []).flatMap(({ onBreach, group }) => (onBreach === 'fail' && group !== undefined ? [group] : [])),
    );
    const empty = [...named].filter((name) => !used.has(name));
    const missing = (checks ?? []).filter(({ onBreach, group }) => onBreach === 'fail' && !named.has(group ?? ''));
    if (empty.length > 0)
      problems.push(`"group-weights" names ${empty.join(', ')}, which no check has as its "group".`);
    if (missing.length > 0)
      problems.push(
        `With "group-weights", each check needs a "group" of them: ${missing.map(({ name }) => name).join(', ')} has none.`,
      );
  }
  return problems;
}

export function requirementOf(inputs: GateInputs): Requirement {
  if (inputs.require !== 'score') return { kind: inputs.require };
  const groups = inputs['group-weights'];
  return { kind: 'score', pass: inputs['pass-score'], warn: inputs['warn-score'], ...(groups && { groups }) };
}
