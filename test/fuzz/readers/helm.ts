import { secretValues } from '../../../src/actions/kubectl-deploy/manifests.ts';
import { comparable } from '../../../src/apply/changes.ts';
import { reasonToWait } from '../../../src/apply/dependencies.ts';
import { parseManifests } from '../../../src/apply/objects.ts';
import { inApplyOrder } from '../../../src/apply/order.ts';
import { resources } from '../../../src/cluster/resources.ts';
import { parseReference } from '../../../src/core/image-reference.ts';
import { releaseFacts } from '../../../src/helm/facts.ts';
import { healthyBefore, lastGood, parseHistory, recoveryOf, undoOf } from '../../../src/helm/history.ts';
import { hookEvents, randomHooks, refuseUnnamedHooks, sameHooks } from '../../../src/helm/hooks.ts';
import { helmError } from '../../../src/helm/problems.ts';
import { parseRecorded, parseRelease } from '../../../src/helm/release.ts';
import { besideEachOther } from '../../../src/helm/side-by-side.ts';
import { imageSettings } from '../../../src/helm/values/flags.ts';
import { replaceImages } from '../../../src/kubectl/images.ts';
import { nearly, nearlyJsonText } from '../generators.ts';
import { clock, ofText, type Reader, signal } from '../reader.ts';

const chart = `---
# Source: shop/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, labels: {app: shop}}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: app, image: "shop:1"}]}
`;

const release = {
  name: 'shop',
  info: { status: 'deployed', notes: 'x', description: 'Install complete' },
  chart: { metadata: { name: 'shop', version: '1.2.3', appVersion: '1' } },
  config: { a: { b: [1, '2'] } },
  manifest: chart,
  hooks: [{ path: 'shop/templates/hook.yaml', manifest: chart, events: ['pre-install', 'test'] }],
  version: 3,
  apply_method: 'ssa',
};

const manifests = [
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {mode: 0644, on: yes, big: 9007199254740993}\n---\n# none\n---\napiVersion: v1\nkind: List\nitems: []\n',
  '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"stringData":{"p":"x"}}{"apiVersion":"v1","kind":"A","metadata":{"name":"b"}}',
  'apiVersion: v1\nkind: A\nmetadata: {name: &a a}\nx: {y: *a, <<: {z: 1}}\n',
  'apiVersion: v1\nkind: Secret\nmetadata: {name: b}\ndata: {k: !!binary aGVsbG8=, t: !!str 1, n: ~, f: .inf, o: 0o17, u: 1_000}\n',
  chart,
];

export const helmReaders: readonly Reader[] = [
  ofText('manifests', nearly(...manifests), (text) => {
    const written = parseManifests([{ name: 'a.yaml', text }]);
    secretValues(written, ['a']);
    for (const { manifest } of written) comparable(manifest);
    return replaceImages(written, [{ name: 'shop', image: 'shop:2' }]);
  }),
  ofText('what Helm renders', nearly(chart), (text) => {
    parseManifests([{ name: 'chart', text, isRendered: true }]);
    return besideEachOther(chart, text);
  }),
  ofText(
    'history of Helm',
    nearlyJsonText([
      {
        revision: 1,
        updated: '2026-01-01T00:00:00Z',
        status: 'superseded',
        chart: 'a-1.2.3',
        app_version: '1',
        description: 'Install complete',
      },
      { revision: 2, status: 'pending-upgrade', chart: 'a-1', description: 'Rollback to 1', rollback_revision: 1 },
      { revision: 3, status: 'deployed', chart: 'a-1', description: 'Rollback to 2' },
    ]),
    async (text) => {
      const history = parseHistory(text);
      recoveryOf(history);
      undoOf(history);
      lastGood(history);
      healthyBefore(history);
      const world = {
        helm: { release: async () => ({ manifest: chart }) },
        objects: { names: async () => [] },
        clock,
        emit: () => undefined,
      };
      for (const revision of history.slice(0, 3)) await factsOf(world, revision);
    },
  ),
  ofText('release that Helm tells of', nearlyJsonText(release), (text) => {
    const read = parseRelease(`level=WARN msg="x"\n${text}`);
    sameHooks(read, read, randomHooks(read, read));
    refuseUnnamedHooks(read, hookEvents(true, true));
    return parseRecorded({ manifest: text, values: text, metadata: text });
  }),
  ofText(
    'output of Helm',
    nearly(
      'Error: UPGRADE FAILED: context deadline exceeded\nlevel=INFO msg=x\n',
      'Error: INSTALLATION FAILED: Deployment.apps "a" is invalid: spec.x: Invalid value: {"a": 1}: field is immutable',
      'Error: hook pre-install shop failed: job shop failed: BackoffLimitExceeded',
      'Error: chart "a" version "1" matching b not found in https://c repository',
    ),
    (text) =>
      helmError(
        { command: 'upgrade', release: 'shop', namespace: 'shop' },
        { exitCode: 1, stdout: text, stderr: text },
      ),
  ),
  ofText(
    'where an image goes in the values',
    nearly('image.repository={repository}', 'image={image}', '{tag'),
    (text) => imageSettings(parseReference('ghcr.io/acme/shop:1'), [text]),
  ),
  ofText(
    'refusal of a dry run',
    nearly(
      'namespaces "shop" not found',
      'error looking up service account shop/worker: serviceaccount "worker" not found',
      'maximum cpu usage per Container is 1, no PriorityClass with name high was found',
      'admission webhook "a" denied the request: failed calling webhook https://hook.shop.svc',
    ),
    (message) => {
      const object = (name: string, kind: keyof typeof resources) => ({
        reference: { type: resources[kind], namespace: 'shop', name },
        manifest: { apiVersion: 'v1', kind, metadata: { name } },
        source: 'a.yaml',
      });
      const coming = inApplyOrder([object('worker', 'service'), object('shop', 'configMap')]);
      return reasonToWait(
        object('app', 'pod'),
        { status: 403, message },
        coming.map((one) => ({ object: one, isNew: true })),
      );
    },
  ),
];

type World = Parameters<typeof releaseFacts>[0];

function factsOf(world: unknown, revision: Parameters<typeof releaseFacts>[1]) {
  return isWorld(world) ? releaseFacts(world, revision, chart, signal) : undefined;
}

/** Only what `releaseFacts` asks for is there. */
function isWorld(world: unknown): world is World {
  return typeof world === 'object' && world !== null && 'objects' in world;
}
