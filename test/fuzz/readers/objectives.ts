import { gateChecks } from '../../../src/actions/checks/kinds/index.ts';
import { readCondition } from '../../../src/actions/gate/objectives/argo-condition.ts';
import { readJsonCondition, readKubectlPath } from '../../../src/actions/gate/objectives/json-condition.ts';
import { readQuantity } from '../../../src/actions/gate/objectives/quantity.ts';
import { readObjectives } from '../../../src/actions/gate/objectives/read.ts';
import { comparedWith, placeholderValues } from '../../../src/actions/gate/objectives-input.ts';
import { nearly } from '../generators.ts';
import { ofText, type Reader } from '../reader.ts';

const slo = `spec_version: "1.0"
filter: {handler: cart}
objectives: [{sli: latency, weight: 2, key_sli: true, pass: [{criteria: ["<=+10%", "<600"]}], warning: [{criteria: ["<=800"]}]}]
total_score: {pass: "90%", warning: 75%}
---
indicators: {latency: 'max(latency{job="$SERVICE",h="$handler"})'}
`;
const analysis = `{apiVersion: metrics.keptn.sh/v1, kind: AnalysisDefinition, metadata: {name: a}, spec: {objectives: [{analysisValueTemplateRef: {name: l}, target: {failure: {greaterThan: {fixedValue: 500m}}, warning: {inRange: {lowBound: 1, highBound: 2}}}, weight: 2, keyObjective: true}], totalScore: {passPercentage: 90, warningPercentage: 75}}}
---
{apiVersion: metrics.keptn.sh/v1, kind: AnalysisValueTemplate, metadata: {name: l}, spec: {provider: {name: p}, query: 'max(a{n="{{.SERVICE}}"})'}}
`;
const argo = `{apiVersion: argoproj.io/v1alpha1, kind: AnalysisTemplate, metadata: {name: a}, spec: {args: [{name: x, value: 5m}], dryRun: [{metricName: b.*}], metrics: [{name: m, interval: 1m, count: 5, failureLimit: 3, successCondition: 'result[0] >= 0.95 || isNaN(result[0])', failureCondition: 'any(result, # < 0.9)', provider: {prometheus: {query: 'rate(x[{{args.x}}])'}}}]}}
`;
const flagger = `{apiVersion: flagger.app/v1beta1, kind: Canary, metadata: {name: c}, spec: {targetRef: {name: t}, analysis: {metrics: [{name: m, interval: 1m, templateRef: {name: e}, thresholdRange: {min: 1, max: 2}}]}}}
---
{apiVersion: flagger.app/v1beta1, kind: MetricTemplate, metadata: {name: e}, spec: {provider: {type: prometheus}, query: 'rate(x{t="{{ target }}"}[{{ interval }}])'}}
`;
const flaggerOwn = `{apiVersion: flagger.app/v1beta1, kind: Canary, metadata: {name: c, namespace: a.b}, spec: {provider: skipper, targetRef: {name: t}, analysis: {metrics: [{name: request-success-rate, threshold: 99, query: up}, {name: request-duration, thresholdRange: {min: 1.5, max: 500}}]}}}
`;
const argoWeb = `{apiVersion: argoproj.io/v1alpha1, kind: AnalysisTemplate, metadata: {name: a}, spec: {metrics: [{name: m, successCondition: 'result.ok && result["a b"][0] >= 0.9', provider: {web: {url: 'http://a.b.svc:80/c?d', timeoutSeconds: 5, jsonPath: "{$.data['e'].f[0]}", headers: [{key: a, value: b}]}}}, {name: n, provider: {job: {}}}]}}
`;
const openslo = `{apiVersion: openslo/v1, kind: SLO, metadata: {name: s}, spec: {indicator: {spec: {ratioMetric: {good: {metricSource: {type: Prometheus, spec: {query: a}}}, total: {metricSource: {type: Prometheus, spec: {query: b}}}}}}, timeWindow: [{duration: 4w}], objectives: [{target: 0.99}]}}
`;
const sloth = `{version: prometheus/v1, service: s, slos: [{name: a, objective: 99.9, sli: {events: {error_query: 'sum(rate(a{c=~"5.."}[{{.window}}]))', total_query: 'sum(rate(a[{{.window}}]))'}}}]}
`;

/** What users have already, which becomes checks: every answer goes through the schema of checks. */
export const objectiveReaders: readonly Reader[] = [
  ofText('files of objectives', nearly(slo, analysis, argo, argoWeb, flagger, flaggerOwn, openslo, sloth), (text) => {
    const { written } = readObjectives([{ name: 'a.yaml', text }], {
      values: new Map([['SERVICE', 'shop']]),
      window: 300_000,
      kinds: new Set(['promql', 'ratio', 'probe']),
      isTimed: false,
      comparedWith: 'stable',
    });
    return gateChecks.schema.safeParse(written);
  }),
  ofText(
    'condition of Argo Rollouts',
    nearly('result[0] >= 0.95 && !(len(result) == 0 || default(result, 0) < 5)', 'all(result, {# > 1 - 0.05})'),
    readCondition,
  ),
  ofText(
    'condition of Argo Rollouts for JSON',
    nearly('result.ok && !(result["a b"][0] < 0.9 || asFloat(result.c) == -1)', "not result['a'] and 5 > result.b"),
    (text) => readJsonCondition(text, ['data'], true),
  ),
  ofText('JSONPath of kubectl', nearly("{$.data['a b'][0].c-d}", '{.items[*].a}', '{$}'), readKubectlPath),
  ofText('quantity', nearly('500m', '10Mi', '1e3', '-0.5'), readQuantity),
  ofText('values of placeholders', nearly('SERVICE=checkout\nargs.x = 5m'), (text) =>
    placeholderValues.schema.safeParse(text),
  ),
  ofText('what objectives are compared with', nearly('stable', '1d'), (text) => comparedWith.schema.safeParse(text)),
];
