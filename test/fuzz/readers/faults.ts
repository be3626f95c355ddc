import { faultsInput } from '../../../src/actions/drill/faults-input.ts';
import { requestsInput } from '../../../src/actions/drill/requests-input.ts';
import { asJson, tryParseJson } from '../../../src/core/json.ts';
import { effectOf } from '../../../src/drills/faults/chaos-mesh/effect.ts';
import { parseGoDuration } from '../../../src/drills/faults/chaos-mesh/kinds/go-duration.ts';
import { readFaultManifests } from '../../../src/drills/faults/chaos-mesh/manifests.ts';
import { readMark } from '../../../src/drills/faults/chaos-mesh/mark.ts';
import { readShortForm } from '../../../src/drills/faults/chaos-mesh/short-forms.ts';
import { parseHours, requireHours } from '../../../src/drills/hours.ts';
import { readHistory } from '../../../src/drills/measure/history.ts';
import { parseStopRule } from '../../../src/drills/measure/stop-condition.ts';
import { parseTargets } from '../../../src/drills/measure/targets.ts';
import { createDrillStore } from '../../../src/drills/record-store.ts';
import { clientOf } from '../cluster.ts';
import { nearly, nearlyJsonText } from '../generators.ts';
import { namespace, ofText, type Reader, signal, unlessNamed } from '../reader.ts';

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

const lines = `# nightly
pod-kill grace 0 on "app in (a, b)" in shop 50%
pause 30s
network-delay 500ms correlation 25 on app=user-service one for 60s
istio-abort 503 20% header x-drill=1 on virtualservice/checkout for 60s
- scale-to-zero to 1 on deployment/checkout for 30s
`;
const run = { at: 1, service: 'a', fault: 'pod-kill on app=a', verdict: 'resilient', score: 90, recovery: 5, p95: 3 };
const left = { kind: 'pod-kill', text: 'pod-kill on app=a', mark: { kind: 'pod-kill', pods: [] } };

const cluster = clientOf();
const store = createDrillStore(cluster.client, { namespace, service: 'checkout' });
const recordReader = ofText(
  'record of a drill',
  nearlyJsonText({ schema: 1, id: 'run', startedBy: 'alice', startedAt: 1, faults: [left] }),
  async (text) => {
    const labels = { 'app.kubernetes.io/managed-by': 'sluice', 'sluice.dev/rollout': 'checkout' };
    const metadata = { name: 'sluice-drill-checkout', namespace, labels };
    cluster.answer({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { record: text } });
    await unlessNamed(() => store.load(signal));
    await store.discard(signal);
  },
);

/** What a drill's inputs say, and what is left of earlier drills. */
const drillReaders: readonly Reader[] = [
  ofText('faults of a drill', nearly(lines), (text) => faultsInput.schema.safeParse(text)),
  ofText(
    'requests of a drill',
    nearly(
      '{check: load, url: "https://a.example", requests: [GET /], rate: 20/s}',
      'check: requests\nmetrics: istio\nworkload: deployment/a\n',
      '{"check":"ratio","total":"a","bad":"b"}',
    ),
    (text) => requestsInput.schema.safeParse(text),
  ),
  ofText(
    'targets',
    nearly('success >= 99.9%\nrecovery <= 30s\np95 after <= 1s\nalert A never\nlost <= 20'),
    parseTargets,
  ),
  ofText('stop condition', nearly('success below 90% for 10s over 50 requests', 'never'), parseStopRule),
  ofText('hours', nearly('Mon-Fri 09:00-17:00 Europe/Berlin', '22:00-02:00', 'sat 00:00-24:00 +02:00'), (text) =>
    requireHours(parseHours(text), 1_800_000_000_000),
  ),
  ofText('history of drills', nearlyJsonText({ schema: 1, runs: [run, { ...run, at: 2 }] }), readHistory),
  recordReader,
];

/** Faults of a drill: manifests, short forms, records, and what Chaos Mesh says. */
export const faultReaders: readonly Reader[] = [
  ...drillReaders,
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
