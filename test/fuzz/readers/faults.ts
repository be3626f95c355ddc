import { asJson, tryParseJson } from '../../../src/core/json.ts';
import { effectOf } from '../../../src/drills/faults/chaos-mesh/effect.ts';
import { parseGoDuration } from '../../../src/drills/faults/chaos-mesh/kinds/go-duration.ts';
import { readFaultManifests } from '../../../src/drills/faults/chaos-mesh/manifests.ts';
import { readMark } from '../../../src/drills/faults/chaos-mesh/mark.ts';
import { readShortForm } from '../../../src/drills/faults/chaos-mesh/short-forms.ts';
import { nearly } from '../generators.ts';
import { ofText, type Reader } from '../reader.ts';

const delay = `{apiVersion: chaos-mesh.org/v1alpha1, kind: NetworkChaos, metadata: {name: a}, spec: {action: delay, mode: one, selector: {labelSelectors: {app: a}}, delay: {latency: "500ms", correlation: "25"}}}
---
{apiVersion: chaos-mesh.org/v1alpha1, kind: HTTPChaos, metadata: {name: a, namespace: shop}, spec: {mode: fixed, value: "2", selector: {pods: {shop: [a-1]}}, target: Request, port: 80, abort: true, duration: 1m30s}}
`;
const schedule = `{apiVersion: chaos-mesh.org/v1alpha1, kind: Schedule, metadata: {name: a}, spec: {schedule: "*/5 * * * *", type: PodChaos, podChaos: {action: pod-kill, mode: all, selector: {expressionSelectors: [{key: a, operator: NotIn, values: [b]}]}}}}
`;
const workflow = `{apiVersion: chaos-mesh.org/v1alpha1, kind: Workflow, metadata: {name: a}, spec: {entry: e, templates: [{name: e, templateType: Serial, children: [t, s]}, {name: t, templateType: Task, deadline: 1m, conditionalBranches: [{target: s}]}, {name: s, templateType: StressChaos, deadline: 1m, stressChaos: {mode: one, selector: {namespaces: [shop]}, stressors: {cpu: {workers: 1}}}}]}}
`;
const engine = `{apiVersion: litmuschaos.io/v1alpha1, kind: ChaosEngine, metadata: {name: a}, spec: {engineState: active, appinfo: {appns: shop, applabel: app=a}, experiments: [{name: pod-delete, spec: {components: {env: [{name: TOTAL_CHAOS_DURATION, value: "60"}]}}}]}}
`;
const status = `{"apiVersion":"a/v1","kind":"PodChaos","metadata":{"name":"a"},"status":{"conditions":[{"type":"Selected","status":"True"},{"type":"AllInjected","status":"False"}],"experiment":{"containerRecords":[{"id":"shop/a/b","selectorKey":".","phase":"Not Injected/Wait","injectedCount":0,"events":[{"type":"Failed","operation":"Apply","message":"no"}]}]}}}`;
const mark = `{"schema":1,"tool":"chaos-mesh","run":"r","kind":"PodChaos","namespace":"shop","name":"a-0123abcd","labels":{},"annotations":{},"spec":{"mode":"all"},"pods":[{"namespace":"shop","name":"a","uid":"u","hadRules":false}],"targets":[]}`;

const bounds = { name: 'a.yaml', namespace: 'shop', namespaces: ['shop'] };

/** Faults of a drill: manifests, short forms, records, and what Chaos Mesh says. */
export const faultReaders: readonly Reader[] = [
  ofText('manifests of faults', nearly(delay, schedule, workflow, engine), (text) =>
    readFaultManifests(text, { ...bounds, maxDuration: 600_000 }),
  ),
  ofText('manifests of faults without a limit', nearly(delay, schedule, workflow, engine), (text) =>
    readFaultManifests(text, { ...bounds, maxDuration: undefined }),
  ),
  ofText(
    'short forms of Chaos Mesh',
    nearly('network-delay 500ms jitter 10ms correlation 25%', 'http-status 503 port 8080', 'stress-cpu 2 load 80'),
    (text) => {
      const [kind = '', argument = '', ...rest] = text.split(' ');
      const pairs = rest.flatMap((key, index) => (index % 2 === 0 ? [[key, rest[index + 1] ?? ''] as const] : []));
      return readShortForm({ kind, arguments: argument === '' ? [] : [argument], values: Object.fromEntries(pairs) });
    },
  ),
  ofText('mark of a fault of Chaos Mesh', nearly(mark), (text) => readMark(asJson(tryParseJson(text) ?? null))),
  ofText('status of a fault of Chaos Mesh', nearly(status), (text) => {
    const object = { apiVersion: '', kind: '', metadata: { name: '' }, status: tryParseJson(text) };
    return [effectOf(object, undefined), effectOf({ ...object, ...shapeOf(text) }, ['shop/a'])];
  }),
  ofText('duration of Go', nearly('1h30m', '-1.5h', '300ms'), parseGoDuration),
];

function shapeOf(text: string): object {
  const value = tryParseJson(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
