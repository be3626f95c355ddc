import { describe, expect, test } from 'vitest';
import { isSluiceError } from '../../../../../src/core/errors.ts';
import { type ManifestOptions, readFaultManifests } from '../../../../../src/drills/faults/chaos-mesh/manifests.ts';

const options: ManifestOptions = {
  name: 'chaos.yaml',
  namespace: 'shop',
  namespaces: ['shop', 'web'],
  maxDuration: 600_000,
};

/** A manifest in flow style. */
function written(kind: string, spec: string, metadata = 'name: fault', apiVersion = 'chaos-mesh.org/v1alpha1'): string {
  return `{apiVersion: ${apiVersion}, kind: ${kind}, metadata: {${metadata}}, spec: {${spec}}}`;
}

const app = 'mode: one, selector: {labelSelectors: {app: user-service}}';
const delay = 'action: delay, delay: {latency: "500ms", correlation: "25"}';
const kill = `action: pod-kill, ${app}`;

function refusal(text: string, given: ManifestOptions = options): string {
  try {
    readFaultManifests(text, given);
  } catch (error) {
    if (isSluiceError(error, 'invalid-input')) return error.problem;
    throw error;
  }
  throw new Error('it was taken');
}

/** The manifest that most people have, as it stands. */
const common = `apiVersion: chaos-mesh.org/v1alpha1
kind: NetworkChaos
metadata:
  name: network-delay
spec:
  action: delay
  mode: one
  selector:
    labelSelectors:
      app: user-service
  delay:
    latency: "500ms"
    correlation: "25"
`;

describe('the common manifest without a duration', () => {
  test('gets the limit of the drill, and every field that a webhook would fill in', () => {
    const [fault] = readFaultManifests(common, options);
    expect(fault).toMatchObject({ tool: 'chaos-mesh', kind: 'NetworkChaos', namespace: 'shop', lasts: 600_000 });
    expect(fault).toMatchObject({
      spec: {
        parameters: {
          action: 'delay',
          direction: 'to',
          delay: { latency: '500ms', jitter: '0ms', correlation: '25' },
        },
      },
    });
  });

  test('is refused where the drill gives no limit', () => {
    expect(refusal(common, { ...options, maxDuration: undefined })).toContain(
      'spec.duration is missing, so the fault would last until somebody deletes it. Give it a "duration", or the drill a "max-duration"',
    );
  });
});

describe.each<[string, string, number[]]>([
  ['a pod kill happens once', written('PodChaos', kill), [0]],
  [
    'of a whole namespace',
    written('PodChaos', 'action: pod-failure, mode: one, duration: 30s, selector: {namespaces: [web]}'),
    [30_000],
  ],
  [
    'of a StatefulSet pod',
    written(
      'PodChaos',
      'action: pod-kill, mode: one, gracePeriod: 0, selector: {expressionSelectors: [{key: statefulset.kubernetes.io/pod-name, operator: In, values: [db-1]}]}',
    ),
    [0],
  ],
  [
    'a share',
    written('PodChaos', 'action: pod-kill, mode: fixed-percent, value: "30", selector: {labelSelectors: {app: a}}'),
    [0],
  ],
  [
    'annotations and what is not there',
    written(
      'PodChaos',
      'action: pod-kill, mode: fixed, value: "1", selector: {annotationSelectors: {a.b/c: "1"}, expressionSelectors: [{key: critical, operator: DoesNotExist}]}',
    ),
    [0],
  ],
  [
    'nodes, fields and phases',
    written(
      'NetworkChaos',
      'action: corrupt, corrupt: {corrupt: "5"}, duration: 1m, mode: random-max-percent, value: "40", device: net1@if5, selector: {fieldSelectors: {spec.nodeName: n1}, podPhaseSelectors: ["!Pending"], nodes: [n1], nodeSelectors: {kubernetes.io/os: linux}}',
    ),
    [60_000],
  ],
  [
    'pods by name',
    written(
      'NetworkChaos',
      'action: bandwidth, mode: all, duration: 60s, direction: both, selector: {namespaces: [shop], pods: {shop: [db-0]}}, target: {mode: all, selector: {pods: {shop: [db-1, db-2]}}}, bandwidth: {rate: 1mbit, limit: 20971520, buffer: 10000}',
    ),
    [60_000],
  ],
  [
    'a bandwidth without a target',
    written(
      'NetworkChaos',
      `action: bandwidth, ${app}, duration: 10m, direction: to, bandwidth: {rate: 1mbps, limit: 100, buffer: 10000}`,
    ),
    [600_000],
  ],
  [
    'hosts outside',
    written(
      'NetworkChaos',
      `action: loss, ${app}, duration: 5m, loss: {loss: "10"}, externalTargets: [pay.example.com, "api.example.com:443", 203.0.113.0/24]`,
    ),
    [300_000],
  ],
  [
    'a partition of all traffic',
    written('NetworkChaos', `action: partition, ${app}, direction: both, duration: 5m`),
    [300_000],
  ],
  [
    'several conditions at once',
    written(
      'NetworkChaos',
      `action: netem, ${app}, delay: {latency: 80ms}, loss: {loss: "0.5"}, bandwidth: {rate: 10mbps, limit: 1, buffer: 1}, direction: to`,
    ),
    [600_000],
  ],
  [
    'a jitter without a unit, and a length with two',
    written('NetworkChaos', `action: delay, ${app}, delay: {latency: 1m30s, jitter: "0"}, duration: ""`),
    [600_000],
  ],
  [
    'an empty value, and labels that are null',
    written(
      'NetworkChaos',
      `${delay}, ${app}, value: "", duration: 1m`,
      'name: a, labels: null, creationTimestamp: null',
    ),
    [60_000],
  ],
  [
    'CPU and memory',
    written(
      'StressChaos',
      `${app}, containerNames: [api], stressors: {cpu: {workers: 2, load: 80, options: ["--timeout", "60s"]}, memory: {workers: 1, size: "50%"}}`,
    ),
    [600_000],
  ],
  [
    'errors of a disk',
    written(
      'IOChaos',
      `action: fault, errno: 5, ${app}, volumePath: /data, path: "/data/**/*", methods: [READ], percent: 40, duration: 60s`,
    ),
    [60_000],
  ],
  ['a clock', written('TimeChaos', `${app}, timeOffset: "-5m", clockIds: [CLOCK_REALTIME], duration: 180s`), [180_000]],
  ['names', written('DNSChaos', `action: error, ${app}, patterns: ["web.*", "a?c.example"], duration: 60s`), [60_000]],
  [
    'aborted requests',
    written('HTTPChaos', `${app}, target: Request, port: 80, method: GET, path: /api, abort: true, duration: 5m`),
    [300_000],
  ],
  [
    'another status',
    written('HTTPChaos', `${app}, target: Response, port: 8081, path: "*", replace: {code: 404}`),
    [600_000],
  ],
  [
    'a schedule lasts as long as the drill lets it',
    written('Schedule', `schedule: "@every 20s", type: PodChaos, podChaos: {${kill}}`),
    [600_000],
  ],
  [
    'a schedule as exported',
    `${written('Schedule', `schedule: "0 2 * * *", type: PodChaos, historyLimit: 5, startingDeadlineSeconds: null, podChaos: {${kill}}`, 'name: a, uid: u, resourceVersion: "1", generation: 3').slice(0, -1)}, status: {active: []}}`,
    [600_000],
  ],
  [
    'a workflow takes as long as its steps',
    written(
      'Workflow',
      `entry: all, templates: [{name: all, templateType: Serial, children: [slow, wait]}, {name: slow, templateType: NetworkChaos, deadline: 90s, networkChaos: {${delay}, ${app}}}, {name: wait, templateType: Suspend, deadline: 30s}]`,
    ),
    [120_000],
  ],
  [
    'a workflow with a deadline',
    written(
      'Workflow',
      `entry: all, templates: [{name: all, templateType: Parallel, deadline: 60s, children: [slow, check]}, {name: slow, templateType: NetworkChaos, deadline: 90s, networkChaos: {${delay}, ${app}}}, {name: check, templateType: StatusCheck, deadline: 15s, abortWithStatusCheck: true, statusCheck: {mode: Continuous, type: HTTP}}]`,
    ),
    [60_000],
  ],
  [
    'a task and what it decides',
    written(
      'Workflow',
      `entry: t, templates: [{name: t, templateType: Task, deadline: 2m, task: {container: {name: w, image: a.example/b}}, conditionalBranches: [{target: cut, expression: exitCode == 0}]}, {name: cut, templateType: NetworkChaos, deadline: 60s, networkChaos: {action: partition, ${app}}}]`,
    ),
    [180_000],
  ],
  [
    'several documents with anchors',
    `{apiVersion: chaos-mesh.org/v1alpha1, kind: NetworkChaos, metadata: {name: a}, spec: {${delay}, mode: one, selector: &s {labelSelectors: {app: b}}, target: {mode: all, selector: *s}, duration: 2m}}\n---\n# nothing\n---\n${written('PodChaos', kill)}`,
    [120_000, 0],
  ],
  [
    'an engine of Litmus',
    written(
      'ChaosEngine',
      'appinfo: {appns: shop, applabel: app=web, appkind: deployment}, chaosServiceAccount: a, experiments: [{name: pod-delete, spec: {components: {env: [{name: TOTAL_CHAOS_DURATION, value: "60"}]}}}, {name: pod-cpu-hog, spec: {components: {env: [{name: TOTAL_CHAOS_DURATION, value: "30"}]}}}]',
      'name: e',
      'litmuschaos.io/v1alpha1',
    ),
    [90_000],
  ],
])('%s', (_, text, lasts) => {
  test('is taken', () => {
    expect(readFaultManifests(text, options).map((fault) => fault.lasts)).toEqual(lasts);
  });
});

test.each<[string, string, string]>([
  [
    'the scheduler of Chaos Mesh 1',
    written('PodChaos', `${kill}, scheduler: {cron: "@every 5m"}`),
    'spec has no field "scheduler": it is of Chaos Mesh 1',
  ],
  [
    'a schedule of no Schedule',
    written('PodChaos', `${kill}, schedule: "* * * * *"`),
    'spec has no field "schedule": only a Schedule has it',
  ],
  [
    'the container of Chaos Mesh 1',
    written('PodChaos', `action: container-kill, ${app}, containerName: a`),
    'write "containerNames" with a list',
  ],
  [
    'a container kill of no container',
    written('PodChaos', `action: container-kill, ${app}`),
    'spec.containerNames is missing',
  ],
  [
    'a per cent sign',
    written('PodChaos', 'action: pod-kill, mode: fixed-percent, value: "30%", selector: {labelSelectors: {app: a}}'),
    'spec.value "30%" has a per cent sign: write "30"',
  ],
  [
    'a mode without its value',
    written('PodChaos', 'action: pod-kill, mode: fixed-percent, selector: {labelSelectors: {app: a}}'),
    'spec.value is missing: "mode: fixed-percent" needs a number of per cent from 1 to 100, such as "50"',
  ],
  [
    'a value that is a number',
    written('PodChaos', 'action: pod-kill, mode: fixed, value: 2, selector: {labelSelectors: {app: a}}'),
    'spec.value is 2, but has to be a text: write "2" in quotes',
  ],
  [
    'a pattern of names',
    written('PodChaos', 'action: pod-kill, mode: all, selector: {pods: {shop: ["api-*"]}}'),
    'spec.selector.pods.shop[0] "api-*" is no name of a pod',
  ],
  [
    'names of pods beside labels',
    written('PodChaos', 'action: pod-kill, mode: all, selector: {pods: {shop: [a]}, labelSelectors: {app: b}}'),
    'Chaos Mesh looks at "pods" alone then',
  ],
  [
    'every pod',
    written('PodChaos', 'action: pod-kill, mode: all, selector: {}'),
    'spec.selector is empty, so it would select every pod',
  ],
  [
    'every pod, with empty fields',
    written('PodChaos', 'action: pod-kill, mode: all, selector: {labelSelectors: {}, namespaces: []}'),
    'spec.selector is empty',
  ],
  [
    'another namespace',
    written('PodChaos', 'action: pod-kill, mode: one, selector: {namespaces: [bank], labelSelectors: {app: a}}'),
    'namespace bank is none of those that the drill may hit: shop, web',
  ],
  [
    'the own namespace, where the drill may not hit',
    written('PodChaos', kill, 'name: a, namespace: bank'),
    'namespace bank is none of those',
  ],
  [
    'a namespace of Kubernetes',
    written('PodChaos', 'action: pod-kill, mode: one, selector: {namespaces: [kube-system], labelSelectors: {app: a}}'),
    'namespace kube-system belongs to Kubernetes and is never hit',
  ],
  [
    'a fault that is kept in one',
    written('PodChaos', kill, 'name: a, namespace: kube-system'),
    'no fault is written there',
  ],
  [
    'a target elsewhere',
    written('NetworkChaos', `${delay}, ${app}, target: {mode: all, selector: {namespaces: [bank]}}`),
    'spec.target.selector: namespace bank is none of those',
  ],
  [
    'a field that can not be selected by',
    written('PodChaos', 'action: pod-kill, mode: one, selector: {fieldSelectors: {spec.priority: "1"}}'),
    'spec.selector.fieldSelectors',
  ],
  [
    'an expression without values',
    written('PodChaos', 'action: pod-kill, mode: one, selector: {expressionSelectors: [{key: a, operator: In}]}'),
    'needs "values" with the operator In',
  ],
  [
    'labels as Kubernetes has them',
    written('PodChaos', 'action: pod-kill, mode: one, selector: {matchLabels: {app: a}}'),
    'spec.selector has no field "matchLabels": write "labelSelectors"',
  ],
  [
    'a capital letter',
    written('NetworkChaos', `${delay}, ${app}, direction: Both, target: {${app}}`),
    'spec.direction "Both" is none of to, from, both; write both',
  ],
  [
    'both directions of nothing',
    written('NetworkChaos', `action: loss, ${app}, loss: {loss: "20"}, direction: both`),
    'spec.direction is both, which needs a "target"',
  ],
  [
    'an address with a scheme',
    written('NetworkChaos', `${delay}, ${app}, externalTargets: ["http://a.b.svc"]`),
    'is a URL; write the host alone, or HOST:PORT',
  ],
  [
    'an action without its field',
    written('NetworkChaos', `action: delay, ${app}`),
    'spec.delay is missing: "action: delay" needs it',
  ],
  [
    'a share that is a number',
    written('NetworkChaos', `action: loss, ${app}, loss: {loss: 20}`),
    'spec.loss.loss is 20, but has to be a text: write "20" in quotes',
  ],
  [
    'more than all',
    written('NetworkChaos', `action: loss, ${app}, loss: {loss: "120"}`),
    'spec.loss.loss "120" is no number of per cent from 0 to 100',
  ],
  [
    'a length that is none',
    written('NetworkChaos', `action: delay, ${app}, delay: {latency: 5 min}`),
    'spec.delay.latency "5 min" is no duration',
  ],
  [
    'a fault that is paused',
    written('NetworkChaos', `${delay}, ${app}`, 'name: a, annotations: {experiment.chaos-mesh.org/pause: "true"}'),
    'so Chaos Mesh would not inject it',
  ],
  [
    'too long a fault',
    written('NetworkChaos', `${delay}, ${app}, duration: 1h`),
    'spec.duration is 1h, more than the "max-duration" of the drill, 10m',
  ],
  ['a negative duration', written('NetworkChaos', `${delay}, ${app}, duration: -5m`), 'spec.duration is less than 1ms'],
  [
    'another cluster',
    written('NetworkChaos', `${delay}, ${app}, remoteCluster: other`),
    'a fault in another cluster is not taken',
  ],
  [
    'a mistyped field',
    written('NetworkChaos', `${delay}, ${app}, durration: 5m`),
    'spec has no field "durration"; did you mean "duration"?',
  ],
  ['the kind of Chaos Mesh 1', written('IoChaos', `${app}`), 'write "kind: IOChaos"'],
  ['a disk without a place', written('IOChaos', `action: fault, errno: 5, ${app}`), 'spec.volumePath is missing'],
  [
    'an action that nobody has',
    written('IOChaos', `action: slow, ${app}, volumePath: /d`),
    'spec.action "slow" is none of latency, fault, attrOverride, mistake',
  ],
  ['no pods at all', written('TimeChaos', 'timeOffset: "-1h"'), 'spec.selector is missing'],
  ['no offset but an object', written('TimeChaos', `${app}, timeOffset: {sec: 1}`), 'spec.timeOffset is no text'],
  [
    'a wildcard at the start',
    written('DNSChaos', `action: error, ${app}, patterns: ["*.example.net"]`),
    'has "*" before its end',
  ],
  [
    'a body that is no base64',
    written('HTTPChaos', `${app}, target: Response, port: 80, replace: {body: '{"a": 1}'}`),
    'is no base64',
  ],
  [
    'a target that is none',
    written('HTTPChaos', `${app}, target: service, port: 80, abort: true`),
    'spec.target "service" is none of Request, Response',
  ],
  [
    'nothing to do',
    written('HTTPChaos', `${app}, target: Request, port: 80`),
    'abort is missing, or another of what it can do',
  ],
  [
    'no schedule',
    written('Schedule', `schedule: "@every 0", type: PodChaos, podChaos: {${kill}}`),
    'spec.schedule "@every 0" is no schedule',
  ],
  [
    'a schedule of old',
    written('Schedule', `schedule: "5 * * * *", type: NetworkChaos, network_chaos: {${delay}}`),
    'it is of the time before Chaos Mesh 2; write "networkChaos"',
  ],
  [
    'a schedule of a workflow',
    written('Schedule', 'schedule: "5 * * * *", type: Workflow'),
    'write the Workflow as a manifest of its own',
  ],
  [
    'a step that never ends',
    written(
      'Workflow',
      `entry: all, templates: [{name: all, templateType: Serial, deadline: 5m, children: [k]}, {name: k, templateType: PodChaos, podChaos: {${kill}}}]`,
    ),
    'template "k" has no "deadline", so the workflow would never go on',
  ],
  [
    'a duration in a workflow',
    written(
      'Workflow',
      `entry: k, templates: [{name: k, templateType: NetworkChaos, deadline: 5m, networkChaos: {${delay}, ${app}, duration: 3m}}]`,
    ),
    'which Chaos Mesh refuses in a Workflow',
  ],
  [
    'a template that is not there',
    written('Workflow', 'entry: all, templates: [{name: all, templateType: Serial, children: [gone]}]'),
    'names the template "gone", which is not there',
  ],
  [
    'a workflow of old',
    written('Workflow', 'entry: all, templates: [{name: all, template_type: Serial, tasks: [a]}]'),
    'spec.templates[0] has no field "template_type": write "templateType"',
  ],
  [
    'templates that run each other',
    written('Workflow', 'entry: a, templates: [{name: a, templateType: Task, conditionalBranches: [{target: a}]}]'),
    'nothing ends the workflow',
  ],
  [
    'the first group',
    written('TimeChaos', app, 'name: a', 'pingcap.com/v1alpha1'),
    'write "apiVersion: chaos-mesh.org/v1alpha1"',
  ],
  ['machines', written('PhysicalMachineChaos', 'action: disk-fill'), 'is of a kind that a drill does not take'],
  ['no fault', written('ConfigMap', 'a: b', 'name: a', 'v1'), 'is of v1, which is no fault'],
  ['a name that is made later', written('PodChaos', kill, 'generateName: a-'), 'has "generateName" and no "name"'],
  ['no version', '{kind: PodChaos, metadata: {name: a}}', 'is no Kubernetes object'],
  [
    'a template',
    'kind: NetworkChaos\nmetadata:\n  name: {{ .Name }}\n  x: {{- if }}\n',
    'a template has to be rendered first',
  ],
  [
    'variables of a shell',
    written('NetworkChaos', `${delay}, ${app}`, 'name: "a-$(date)"'),
    'still has a variable of a shell',
  ],
  ['nothing', '# nothing\n', 'holds no fault'],
  [
    'an engine that is stopped',
    written(
      'ChaosEngine',
      'engineState: stop, appinfo: {appns: shop, applabel: app=a}, experiments: [{name: pod-delete}]',
      'name: e',
      'litmuschaos.io/v1alpha1',
    ),
    'spec.engineState is stop',
  ],
  [
    'an engine for nodes',
    written(
      'ChaosEngine',
      'appinfo: {appns: shop, applabel: app=a}, experiments: [{name: node-drain}]',
      'name: e',
      'litmuschaos.io/v1alpha1',
    ),
    'experiment "node-drain" does not hit pods alone',
  ],
  [
    'an engine without pods',
    written('ChaosEngine', 'experiments: [{name: pod-delete}]', 'name: e', 'litmuschaos.io/v1alpha1'),
    'spec.appinfo.applabel is missing',
  ],
  [
    'an engine elsewhere',
    written(
      'ChaosEngine',
      'appinfo: {appns: bank, applabel: app=a}, experiments: [{name: pod-delete}]',
      'name: e',
      'litmuschaos.io/v1alpha1',
    ),
    'namespace bank is none of those',
  ],
  [
    'an experiment of Litmus',
    written('ChaosExperiment', 'a: b', 'name: e', 'litmuschaos.io/v1alpha1'),
    'is no fault: of Litmus, a ChaosEngine is taken',
  ],
])('%s is refused', (_, text, sentence) => {
  expect(refusal(text)).toContain(sentence);
});

test('all problems of all documents are told at once', () => {
  const text = [written('PodChaos', kill), written('TimeChaos', app), written('DNSChaos', app)].join('\n---\n');
  const problem = refusal(text);
  expect(problem).toContain('chaos.yaml, document 2: TimeChaos fault: spec.timeOffset is missing.');
  expect(problem).toContain('chaos.yaml, document 3: DNSChaos fault: spec.action is missing');
});

test('an engine that says nothing of its time gets the limit of the drill', () => {
  const text = written(
    'ChaosEngine',
    'appinfo: {appns: shop, applabel: app=a}, experiments: [{name: pod-delete}]',
    'name: e',
    'litmuschaos.io/v1alpha1',
  );
  const env = [{ name: 'TOTAL_CHAOS_DURATION', value: '600' }];
  const [engine] = readFaultManifests(text, options);
  expect(engine).toMatchObject({ engine: { spec: { experiments: [{ spec: { components: { env } } }] } } });
  expect(refusal(text, { ...options, maxDuration: undefined })).toContain('does not set TOTAL_CHAOS_DURATION');
});
