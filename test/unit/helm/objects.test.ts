import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createClient, type KubernetesClient } from '../../../src/cluster/client.ts';
import { ApiError } from '../../../src/cluster/errors.ts';
import { type ApplyOptions, type KubernetesObject, kubernetesObject } from '../../../src/cluster/schema.ts';
import { readYaml } from '../../../src/core/yaml.ts';
import { createHelm } from '../../../src/helm/cli.ts';
import { createReleaseObjects } from '../../../src/helm/objects.ts';
import type { WantedRelease } from '../../../src/helm/ports.ts';
import { releaseOf } from '../../support/helm-world.ts';

const signal = new AbortController().signal;

const served: Readonly<Record<string, readonly [string, string, boolean][]>> = {
  v1: [
    ['ConfigMap', 'configmaps', true],
    ['Secret', 'secrets', true],
  ],
  'apps/v1': [['Deployment', 'deployments', true]],
  'rbac.authorization.k8s.io/v1': [['ClusterRole', 'clusterroles', false]],
  'apiextensions.k8s.io/v1': [['CustomResourceDefinition', 'customresourcedefinitions', false]],
};

/** A cluster that holds these objects, refuses what `refuse` says, and remembers what it was asked. */
function clusterOf(found: readonly object[] = [], refuse: (verb: string) => ApiError | undefined = () => undefined) {
  const objects = new Map(
    found
      .map((object) => kubernetesObject.parse(object))
      .map((object) => [`${object.kind} ${object.metadata.name}`, object]),
  );
  const asked: { verb: string; kind: string; options: ApplyOptions }[] = [];
  const answer = (verb: string, manifest: { readonly kind: string }, options: ApplyOptions = {}): KubernetesObject => {
    asked.push({ verb, kind: manifest.kind, options });
    const error = refuse(verb);
    if (error) throw error;
    return kubernetesObject.parse(manifest);
  };
  const client: KubernetesClient = {
    ...createClient({
      server: 'http://127.0.0.1:1',
      authorize: () => Promise.reject(new Error('is not asked')),
      renew: () => undefined,
      close: async () => undefined,
    }),
    kindsIn: async (apiVersion) =>
      (served[apiVersion] ?? []).map(([kind, plural, namespaced]) => ({
        type: { apiVersion, kind, plural },
        namespaced,
      })),
    find: async ({ type, name }) => objects.get(`${type.kind} ${name}`),
    apply: async (_, manifest, __, options) => answer('apply', manifest, options),
    create: async (_, manifest, __, options) => answer('create', manifest, options),
    list: async (type) => [...objects.values()].filter(({ kind }) => kind === type.kind),
    async remove({ type, name }) {
      asked.push({ verb: 'remove', kind: `${type.kind} ${name}`, options: {} });
      objects.delete(`${type.kind} ${name}`);
    },
  };
  const told: string[] = [];
  const release = createReleaseObjects({
    client,
    clock: { now: () => 0, sleep: async () => undefined },
    release: 'shop',
    namespace: 'shop',
    createNamespace: false,
    timeout: 1_000,
    jobs: false,
    forceConflicts: false,
    tell: (text) => void told.push(text),
  });
  return { release, asked, told, objects };
}

const deployment =
  'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {template: {env: [{name: A, value: "1"}, {name: A, value: "2"}]}}\n';
const live = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shop', namespace: 'shop' } };
const body = JSON.stringify({
  message:
    'failed to create typed patch object (shop/shop; apps/v1, Kind=Deployment): .spec.template.env: duplicate entries for key [name="A"]',
});
const duplicate = new ApiError('invalid-input', { status: 500, headers: {}, body }, '', {
  about: 'it',
  problem: 'x',
  next: 'y',
});

describe('the changes of a release', () => {
  it.each([
    ['is written by patches (Helm 3, or server-side: false)', { apply_method: 'csa' }],
    ['has been written by Helm 3 until now', {}],
  ])('that %s are not held to server-side apply', async (_, method: Partial<WantedRelease>) => {
    const { release, told } = clusterOf([live], (verb) => (verb === 'apply' ? duplicate : undefined));
    const writes = await release.changes(
      { manifest: deployment, ...method },
      releaseOf(1, { manifest: deployment }),
      signal,
    );
    expect(writes).toMatchObject([{ object: 'Deployment shop/shop', action: 'update' }]);
    expect(told).toEqual([
      expect.stringContaining("Deployment shop/shop is checked when it is written: it can't be compared"),
    ]);
  });

  it('that is new and written by patches are asked for as Helm creates them', async () => {
    const { release, asked } = clusterOf([], (verb) => (verb === 'apply' ? duplicate : undefined));
    await release.changes({ manifest: deployment, apply_method: 'csa' }, undefined, signal);
    expect(asked).toEqual([{ verb: 'create', kind: 'Deployment', options: { dryRun: true, fieldManager: 'helm' } }]);
  });

  it('that is written by server-side apply are refused as Helm would', async () => {
    const { release } = clusterOf([live], () => duplicate);
    const changes = release.changes({ manifest: deployment, apply_method: 'ssa' }, releaseOf(1), signal);
    await expect(changes).rejects.toThrow(/duplicate entries for key/);
  });

  it('do not need kinds that only its past has, and its past may hold what is no YAML of today', async () => {
    const { release } = clusterOf();
    const past = 'apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: old, name: old}\n';
    const writes = await release.changes(releaseOf(2), releaseOf(1, { manifest: past }), signal);
    expect(writes).toMatchObject([{ object: 'ConfigMap shop/a', action: 'create' }]);
  });

  it('take the last of an object that a chart renders twice', async () => {
    const { release } = clusterOf();
    const manifest =
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: "1"}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: "2"}\n';
    expect(await release.changes({ manifest, apply_method: 'ssa' }, undefined, signal)).toMatchObject([
      { after: { data: { x: '2' } } },
    ]);
  });

  const definition =
    'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.field.example}\nspec: {group: field.example, scope: Namespaced, names: {kind: Widget, plural: widgets}, versions: [{name: v1}]}\n';
  const widget = 'apiVersion: field.example/v1\nkind: Widget\nmetadata: {name: w1}\n';
  const unserved = new ApiError('not-found', { status: 404, headers: {}, body: '404 page not found' }, '', {
    about: 'w1',
    problem: 'x',
    next: 'y',
  });

  it('are those of definitions that come with it, too', async () => {
    const { release, asked } = clusterOf([]);
    const apply = { manifest: widget, definitions: definition, apply_method: 'ssa' };
    const writes = await release.changes(apply, undefined, signal);
    expect(writes.map(({ object }) => object)).toEqual([
      'CustomResourceDefinition widgets.field.example',
      'Widget shop/w1',
    ]);
    expect(asked.map(({ kind }) => kind)).toEqual(['CustomResourceDefinition', 'Widget']);
  });

  it('do not need a kind to be served whose definition comes with them', async () => {
    let isAsked = false;
    const { release } = clusterOf([], () => {
      const error = isAsked ? unserved : undefined;
      isAsked = true;
      return error;
    });
    const writes = await release.changes(
      { manifest: widget, definitions: definition, apply_method: 'ssa' },
      undefined,
      signal,
    );
    expect(writes).toHaveLength(2);
  });
});

describe('what is left of a release', () => {
  const mark = { 'meta.helm.sh/release-name': 'shop', 'meta.helm.sh/release-namespace': 'shop' };
  const configMap = (name: string, metadata: object) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'shop', ...metadata },
  });
  const manifest = ['held', 'plain', 'gone', 'kept']
    .map(
      (name) =>
        `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}${name === 'kept' ? ', annotations: {helm.sh/resource-policy: keep}' : ''}}\n---\n`,
    )
    .join('');
  const widget = 'apiVersion: field.example/v1\nkind: Widget\nmetadata: {name: w1}\n';

  it('is told with what it waits for', async () => {
    const { release } = clusterOf([
      configMap('held', { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['field.example/hold'] }),
      configMap('plain', {}),
      configMap('kept', {}),
    ]);
    expect(await release.remains(`${manifest}${widget}`, signal)).toEqual({
      gone: ['ConfigMap shop/gone'],
      left: [
        'ConfigMap shop/held (waits for its finalizer field.example/hold)',
        'ConfigMap shop/plain (is not being deleted)',
      ],
      unknown: [expect.stringContaining('does not know Widget of field.example/v1')],
    });
  });

  it('is deleted without Helm where it is marked as of this release, and then the records', async () => {
    const record = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'sh.helm.release.v1.shop.v1', namespace: 'shop' },
    };
    const { release, objects, asked } = clusterOf([
      configMap('held', { annotations: mark }),
      configMap('plain', { annotations: { ...mark, 'meta.helm.sh/release-name': 'other' } }),
      configMap('kept', { annotations: mark }),
      record,
    ]);
    await release.remove(`${manifest}${widget}`, signal);
    expect([...objects.keys()]).toEqual(['ConfigMap plain', 'ConfigMap kept']);
    expect(asked.map(({ kind }) => kind)).toEqual(['ConfigMap held', 'Secret sh.helm.release.v1.shop.v1']);
  });

  it('stays where the records are somewhere else', async () => {
    const { release, asked } = clusterOf([configMap('held', { annotations: mark })]);
    await expect(release.remove(manifest, signal)).rejects.toMatchObject({ code: 'unsupported' });
    expect(asked).toEqual([]);
  });
});

/** A program that answers as Helm 4 does where a kind of the release is gone. */
const program = `#!/bin/sh
case "$1 $2" in
  "status shop") echo 'Error: resource mapping not found for name: "w1" namespace: "" from "": no matches for kind "Widget" in version "field.example/v1"' >&2; echo 'ensure CRDs are installed first' >&2; exit 1;;
  "get manifest") echo 'kind: Widget';;
  "get values") echo '{"replicas":3,"id":9007199254740993}';;
  "get metadata") echo '{"name":"shop","revision":7,"status":"deployed","applyMethod":"ssa"}';;
  *) exit 3;;
esac
`;

it('a release is read as it was recorded where Helm can not look at its objects', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-helm-'));
  const file = join(folder, 'helm');
  await writeFile(file, program);
  await chmod(file, 0o755);
  const helm = createHelm({ file, release: 'shop', namespace: 'shop', env: {}, flags: [], onLine: () => undefined });
  const release = await helm.release(undefined, signal);
  await rm(folder, { recursive: true });
  expect(release).toMatchObject({
    version: 7,
    manifest: 'kind: Widget',
    apply_method: 'ssa',
    config: { replicas: 3, id: 9007199254740993n },
  });
});

describe('kinds that the cluster does not serve any more', () => {
  const widget = 'apiVersion: field.example/v1\nkind: Widget\nmetadata: {name: w1}\n';
  const definition =
    'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.field.example}\nspec: {group: field.example, scope: Namespaced, names: {kind: Widget, plural: widgets}, versions: [{name: v1}]}\n';

  it('are named as Helm looks for them: a definition beside the object does not help', async () => {
    const { release } = clusterOf();
    expect(await release.unserved(`${definition}---\n${widget}---\n${deployment}`, signal)).toEqual([
      'Widget w1 (field.example/v1)',
    ]);
  });

  it('are told where the revision before holds them, and nothing of it is looked for', async () => {
    const { release, told } = clusterOf();
    const writes = await release.changes({ manifest: '' }, releaseOf(1, { manifest: widget }), signal);
    expect(writes).toEqual([]);
    expect(told).toEqual([
      expect.stringMatching(/^Of the revision before.* does not know Widget of field.example\/v1/),
    ]);
  });
});

describe('an object without a name', () => {
  const nameless = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: run-}\n';
  const plain = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n';

  it('in the chart is refused before Helm records a revision that fails', async () => {
    const { release } = clusterOf();
    await expect(release.changes({ manifest: nameless }, undefined, signal)).rejects.toThrow(
      /chart: has "generateName" and no "name"/,
    );
  });

  it('in what Helm has recorded binds nobody', async () => {
    const { release, told } = clusterOf();
    const previous = releaseOf(1, { manifest: `${nameless}---\n${plain}---\n{{ broken\n` });
    const writes = await release.changes({ manifest: plain }, previous, signal);
    expect(writes).toMatchObject([{ object: 'ConfigMap shop/a', action: 'create' }]);
    expect(told).toHaveLength(2);
    expect(await release.names(previous.manifest, signal)).toEqual(['ConfigMap shop/a']);
    expect(await release.unserved(previous.manifest, signal)).toEqual([]);
    expect((await release.remains(previous.manifest, signal)).gone).toEqual(['ConfigMap shop/a']);
  });
});

describe('an aggregated ClusterRole', () => {
  const manifest =
    'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: admin, labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: shop, meta.helm.sh/release-namespace: shop}}\naggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}\n';
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
  const found = { ...Object(readYaml(manifest)[0]), rules };
  const asked = { manifest: `${manifest}rules: []\n` };
  const conflict = () =>
    new ApiError(
      'conflict',
      {
        status: 409,
        headers: {},
        body: JSON.stringify({
          message: 'Apply failed with 1 conflict',
          details: {
            causes: [
              {
                reason: 'FieldManagerConflict',
                message: 'conflict with "clusterrole-aggregation-controller" using rbac.authorization.k8s.io/v1',
                field: '.rules',
              },
            ],
          },
        }),
      },
      'Conflict',
      { about: 'it', problem: 'Apply failed.', next: '' },
    );

  it('is not changed by the rules that its controller has written, and it is told that Helm empties them', async () => {
    const { release, told } = clusterOf([found]);
    expect(await release.changes(asked, undefined, signal)).toEqual([]);
    expect(told).toEqual([
      expect.stringMatching(/^ClusterRole admin: Helm empties its rules.*Leave "rules" out of chart/),
    ]);
    told.length = 0;
    expect(await release.changes({ manifest }, undefined, signal)).toEqual([]);
    expect(told).toEqual([]);
  });

  it('with rules is refused where Helm would meet its controller, with the advice to leave them out', async () => {
    const { release } = clusterOf([found], conflict);
    const refused = release.changes({ ...asked, apply_method: 'ssa' }, undefined, signal);
    await expect(refused).rejects.toThrow(/owns \.rules\. Leave "rules" out of it/);
    await expect(refused).rejects.not.toThrow(/force-conflicts/);
  });
});
