// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Dockerfiles
import type fc from 'fast-check';
import { canaryInputs } from '../../src/actions/canary/inputs.ts';
import { parsePlanFile, parseSteps } from '../../src/actions/canary/plan-input.ts';
import { parseManifests } from '../../src/apply/objects.ts';
import { loadConfig } from '../../src/cluster/kubeconfig.ts';
import type { Clock } from '../../src/core/clock.ts';
import { parseReference } from '../../src/core/image-reference.ts';
import { parseHistory, recoveryOf, undoOf } from '../../src/helm/history.ts';
import { outsideOf } from '../../src/images/dockerfile.ts';
import { parseChallenges } from '../../src/images/registry/challenge.ts';
import { parseTagRule, tagsOf } from '../../src/images/tags.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import { listRecords } from '../../src/ledger/record.ts';
import { parseExposition } from '../../src/meters/pods/exposition.ts';
import { parseExpression, refusePadding } from '../../src/meters/queries/promql.ts';
import { createFilter, equal, like, NAME } from '../../src/meters/series/selector.ts';
import { code, plain, table } from '../../src/report/markdown.ts';
import { createRouter, type RouterOptions } from '../../src/routes/weights/index.ts';
import { oneLine } from '../../src/runner/log-text.ts';
import { parseInputs } from '../../src/runner/parse-inputs.ts';
import { parseConfigManifests } from '../../src/workloads/config-copies.ts';
import { clientOf } from './cluster.ts';
import { nearly, nearlyJson } from './generators.ts';
import { markdownReaders } from './markdown.ts';
import { httpRoute, ingress, kubeconfig, record, traefikService, virtualService } from './samples.ts';

/** Something that reads what others write. It ends well or with a SluiceError. */
export interface Reader {
  readonly name: string;
  readonly cases: fc.Arbitrary<unknown>;
  /** This part of all cases is its own, from 0 to 1, where an equal part would be less. */
  readonly share?: number;
  read(value: unknown): unknown;
}

function ofText(name: string, cases: fc.Arbitrary<string>, read: (text: string) => unknown): Reader {
  return { name, cases, read: (value) => read(String(value)) };
}

const clock: Clock = { now: () => 1_800_000_000_000, sleep: async () => undefined };
const signal = new AbortController().signal;
const namespace = 'shop';

/** The objects that a router reads, one of them with changes. */
function router(options: RouterOptions, sample: object): Reader {
  const { client, answer } = clientOf();
  return {
    name: `route of ${options.kind}`,
    cases: nearlyJson(sample),
    async read(value) {
      answer(value);
      const found = createRouter(options, client, { clock });
      const snapshot = await found.inspect(signal);
      found.preview(snapshot, 25);
    },
  };
}

const cluster = clientOf();
const records: Reader = {
  name: 'record of a rollout',
  cases: nearlyJson(record),
  async read(value) {
    cluster.answer(value);
    const ledger = createLedger({
      client: cluster.client,
      namespace,
      rollout: 'checkout',
      holder: { identity: 'run', description: 'alice' },
      clock,
      version: '1.0.0',
      nonce: () => 'nonce',
    });
    await listRecords(cluster.client, namespace, signal);
    await ledger.load(signal);
  },
};

export const readers: readonly Reader[] = [
  ...markdownReaders,
  ofText(
    'metrics page',
    nearly(
      '# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\nhttp_requests_total{code="200",path="/a\\"b"} 1027 1395066363000\n',
      '# TYPE cart counter\ncart_total{code="5xx",le="+Inf"} 3.0e+2 # {trace_id="abc"} 1 1.5\n# EOF\n',
      '{"http.requests",code="200"} 12\n',
    ),
    (text) => parseExposition(text, () => true),
  ),
  ofText(
    'PromQL',
    nearly(
      'sum(rate(http_requests_total{code=~"5..",job!="x"}[1m])) by (pod)',
      'istio_requests_total{destination_workload="checkout"}',
      'histogram_quantile(0.99, sum by (le) (a_bucket)) or vector(0)',
    ),
    async (text) => refusePadding(await parseExpression(text, 'query'), text, 'query'),
  ),
  ofText('pattern of a selector', nearly('(/?[a-z]+)+', '5..|2[0-9]{2}', '(a|a)*b'), (pattern) =>
    createFilter([equal(NAME, 'a'), like('path', pattern)])({ [NAME]: 'a', path: `${'a'.repeat(60)}!` }),
  ),
  ofText(
    'plan',
    nearly('5 for 2m, 25 for 2m, 50 for 1m..5m early hold, 100', '- weight: 5\n  for: 2m\n- weight: 100\n'),
    parseSteps,
  ),
  ofText(
    'plan file',
    nearly('steps:\n  - weight: 5\n    for: 2m\n  - weight: 100\n', 'steps: "5 for 2m, 100"'),
    (text) => parsePlanFile(text, 'plan file a.yaml'),
  ),
  ofText(
    'checks',
    nearly(
      '- name: saturation\n  query: max(cpu{pod=~"a"})\n  max: 0.9\n',
      '[{"name":"a","query":"b","min":1,"on-breach":"freeze"}]',
    ),
    (text) => parseInputs(canaryInputs, { checks: text, workload: 'deployment/a' }, 'canary'),
  ),
  {
    name: 'inputs of the canary',
    cases: nearlyJson({
      workload: 'deployment/checkout',
      image: 'shop:2',
      steps: '5 for 2m, 100',
      route: 'virtualservice/checkout',
      'max-error-rate': '1%',
      'min-requests': '50',
    }),
    read(value) {
      const given = Object.entries(Object(value)).map(([name, text]) => [name, String(text)]);
      parseInputs(canaryInputs, Object.fromEntries(given), 'canary');
    },
  },
  ofText('kubeconfig', nearly(kubeconfig), (text) => loadConfig({ kubeconfig: `\n${text}\n`, context: '', env: {} })),
  ofText(
    'configuration of a release',
    nearly('apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n'),
    (text) => parseConfigManifests(text, namespace),
  ),
  ofText(
    'manifests',
    nearly(
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {mode: 0644, on: yes, big: 9007199254740993}\n---\n# none\n---\napiVersion: v1\nkind: List\nitems: []\n',
      '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}',
      'apiVersion: v1\nkind: A\nmetadata: {name: &a a}\nx: {y: *a, <<: {z: 1}}\n',
    ),
    (text) => parseManifests([{ name: 'a.yaml', text }]),
  ),
  ofText(
    'history of Helm',
    nearly(
      '[{"revision":1,"updated":"2026-01-01T00:00:00Z","status":"superseded","chart":"a-1","app_version":"1","description":"Install complete"},{"revision":2,"updated":"2026-01-01T00:00:00Z","status":"pending-upgrade","chart":"a-1","app_version":"1","description":"Rollback to 1"}]',
    ),
    (text) => {
      const history = parseHistory(text);
      recoveryOf(history);
      undoOf(history);
    },
  ),
  ofText(
    'Dockerfile',
    nearly(
      '# syntax=docker/dockerfile:1\nARG BASE=alpine:3\nFROM ${BASE:-x} AS build\nRUN --mount=type=bind,from=tools,target=/t true\nADD https://example.com/a /a\nCOPY --from=build --chmod=755 ["a b", "/c"]\nCOPY <<EOF /x\n${A}\nEOF\n',
      '# escape=`\nFROM a\\\n AS b\nONBUILD COPY . /\n',
    ),
    (text) => outsideOf(text, { BASE: 'debian' }),
  ),
  ofText(
    'reference of an image',
    nearly('ghcr.io/acme/checkout:1.2.3@sha256:'.padEnd(99, 'a'), '[::1]:5000/a', 'alpine'),
    (text) => parseReference(text),
  ),
  ofText('rule of a tag', nearly('semver', 'raw=nightly', 'sha', 'branch', '1.2.3'), (text) =>
    tagsOf([parseTagRule(text)], { ref: `refs/heads/${text}`, revision: 'abcdef0123456789' }),
  ),
  ofText(
    'challenge of a registry',
    nearly('Bearer realm="https://auth.example/token?a=b",service="r",scope="repository:a:pull", Basic realm="x"'),
    (text) => parseChallenges(text),
  ),
  ofText(
    'text in Markdown',
    nearly('https://a.example/x?y=[z](w) <b> `code` | @user #1', '![x](https://evil.example/p.png)'),
    (text) => table([plain(text)], [[code(text), plain(text)]]),
  ),
  ofText('line of a log', nearly('x  \n y\r\n::add-mask::z', 'a \t b'), (text) => oneLine(text)),
  router(
    {
      kind: 'istio',
      namespace,
      name: 'checkout',
      stable: { host: 'checkout', subset: 'v1' },
      canary: { host: 'checkout', subset: 'v2' },
    },
    virtualService,
  ),
  router(
    {
      kind: 'gateway-api',
      route: 'HTTPRoute',
      namespace,
      name: 'checkout',
      stable: { name: 'checkout' },
      canary: { name: 'checkout-canary' },
    },
    httpRoute,
  ),
  router(
    {
      kind: 'nginx',
      namespace,
      name: 'checkout',
      canaryIngress: 'checkout-canary',
      stable: 'checkout',
      canary: 'checkout-canary',
    },
    ingress,
  ),
  router(
    { kind: 'traefik', namespace, name: 'checkout', stable: { name: 'checkout' }, canary: { name: 'checkout-canary' } },
    traefikService,
  ),
  records,
];
