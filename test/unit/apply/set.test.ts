import { afterAll, describe, expect, it } from 'vitest';
import { planChanges } from '../../../src/apply/changes.ts';
import { type DeployEvent, deployLines } from '../../../src/apply/events.ts';
import { createInventoryStore } from '../../../src/apply/inventory.ts';
import { parseManifests, resolveObjects } from '../../../src/apply/objects.ts';
import type { KubernetesClient } from '../../../src/cluster/client.ts';
import { ApiError } from '../../../src/cluster/errors.ts';
import { resources } from '../../../src/cluster/resources.ts';
import { type KubernetesObject, kubernetesObject } from '../../../src/cluster/schema.ts';
import { deploy } from '../../../src/kubectl/deploy.ts';
import type { DeployOptions, DeployWorld } from '../../../src/kubectl/world.ts';
import { createSeal } from '../../../src/ledger/seal.ts';
import { createQuickClock, startEmbeddedCluster } from '../../support/embedded-cluster.ts';

const signal = new AbortController().signal;

/** What an API server says, as its client gives it. */
function refusal(status: number, message: string): ApiError {
  const body = JSON.stringify({ kind: 'Status', status: 'Failure', message });
  const code =
    status === 404 ? 'not-found' : status === 403 ? 'forbidden' : status === 409 ? 'conflict' : 'invalid-input';
  return new ApiError(code, { status, headers: {}, body }, '', {
    about: 'it',
    problem: `${message}.`,
    next: 'Correct it.',
  });
}

const kinds: KubernetesClient['kindsIn'] = async (apiVersion) =>
  [
    ['v1', 'Namespace', 'namespaces', false],
    ['v1', 'ServiceAccount', 'serviceaccounts', true],
    ['v1', 'Pod', 'pods', true],
    ['v1', 'Service', 'services', true],
    ['v1', 'ConfigMap', 'configmaps', true],
    ['v1', 'ResourceQuota', 'resourcequotas', true],
    ['v1', 'LimitRange', 'limitranges', true],
    ['scheduling.k8s.io/v1', 'PriorityClass', 'priorityclasses', false],
    ['rbac.authorization.k8s.io/v1', 'Role', 'roles', true],
    ['rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings', true],
    ['rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', false],
    ['apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', false],
    ['field.example/v1', 'Wheel', 'wheels', true],
  ].flatMap(([version, kind, plural, namespaced]) =>
    version === apiVersion
      ? [{ type: { apiVersion, kind: String(kind), plural: String(plural) }, namespaced: namespaced === true }]
      : [],
  );

const header = (kind: string, name: string, apiVersion = 'v1') =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: ${name}}\n`;
const pod = `${header('Pod', 'worker')}spec: {serviceAccountName: worker, containers: [{name: w, image: "app:1"}]}\n`;
const rbac = 'rbac.authorization.k8s.io/v1';
const binding = `${header('RoleBinding', 'reader', rbac)}roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}\n`;
const definition = header('CustomResourceDefinition', 'wheels.field.example', 'apiextensions.k8s.io/v1');
const wheel = `${header('Wheel', 'w1', 'field.example/v1')}spec: {size: 1}\n`;

/** Plans a set on a cluster that holds nothing of it, or an older form of all, and refuses the object of this kind so. */
async function plan(texts: readonly string[], kind: string, error: ApiError, isOld = false, by?: 'apply' | 'patch') {
  const objects = await resolveObjects(
    { kindsIn: kinds },
    parseManifests([{ name: 'app.yaml', text: texts.join('---\n') }]),
    'shop',
    signal,
  );
  const answer = (manifest: { readonly kind: string }): KubernetesObject => {
    if (manifest.kind === kind) throw error;
    return kubernetesObject.parse(manifest);
  };
  const client: Parameters<typeof planChanges>[0] = {
    find: async ({ type, name }) =>
      isOld ? kubernetesObject.parse({ ...type, metadata: { name, labels: { version: 'old' } } }) : undefined,
    apply: async (_, manifest) => answer(manifest),
    create: async (_, manifest) => answer(manifest),
  };
  return planChanges(client, objects, { ...(by && { by }) }, signal);
}

const schemaError = refusal(
  500,
  'failed to create typed patch object (shop/w1; field.example/v1, Kind=Wheel): .spec.colour: field not declared in schema',
);

describe('an object that is refused since the rest of its set is not there yet', () => {
  it.each([
    [
      'a Pod with its ServiceAccount',
      [header('ServiceAccount', 'worker'), pod],
      'Pod',
      refusal(
        403,
        'pods "worker" is forbidden: error looking up service account shop/worker: serviceaccount "worker" not found',
      ),
    ],
    [
      'a RoleBinding with its Role',
      [header('Role', 'reader', rbac), binding],
      'RoleBinding',
      refusal(404, 'roles.rbac.authorization.k8s.io "reader" not found'),
    ],
    [
      'a Pod with its PriorityClass',
      [pod, header('PriorityClass', 'urgent', 'scheduling.k8s.io/v1')],
      'Pod',
      refusal(403, 'pods "worker" is forbidden: no PriorityClass with name urgent was found'),
    ],
    [
      'an object with its Namespace',
      [header('Namespace', 'shop'), header('ConfigMap', 'a')],
      'ConfigMap',
      refusal(404, 'namespaces "shop" not found'),
    ],
    [
      'an object whose webhook is behind a Service of the set',
      [header('Service', 'hooks'), header('ConfigMap', 'a')],
      'ConfigMap',
      refusal(
        500,
        'Internal error occurred: failed calling webhook "a.example": failed to call webhook: Post "https://hooks.shop.svc:443/a?timeout=10s": service "hooks" not found',
      ),
    ],
    [
      'an object whose webhook can not be asked without writing',
      [header('ConfigMap', 'a')],
      'ConfigMap',
      refusal(400, 'admission webhook "a.example" does not support dry run'),
    ],
  ])('is not refused: %s', async (_, texts, kind, error) => {
    const changes = await plan(texts, kind, error);
    expect(changes.map(({ action }) => action)).toEqual(texts.map(() => 'create'));
    expect(changes.find(({ object }) => object.reference.type.kind === kind)).toMatchObject({
      needed: true,
      unchecked: expect.stringMatching(/^it needs \w+ \S+, which is applied with it$|^a webhook of the cluster/),
    });
  });

  it.each([
    ['a definition that gains a field', [definition, wheel], 'Wheel', schemaError],
    [
      'a Role that gets other rules',
      [header('Role', 'reader', rbac), binding],
      'RoleBinding',
      refusal(
        403,
        'rolebindings.rbac.authorization.k8s.io "reader" is forbidden: user "u" is attempting to grant RBAC permissions not currently held: {APIGroups:[""]}',
      ),
    ],
    [
      'a quota that is raised',
      [header('ResourceQuota', 'small'), pod],
      'Pod',
      refusal(
        403,
        'pods "worker" is forbidden: exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3',
      ),
    ],
    [
      'limits that are raised',
      [header('LimitRange', 'most'), pod],
      'Pod',
      refusal(403, 'pods "worker" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi'),
    ],
    [
      'a Namespace that gets other labels',
      [header('Namespace', 'shop'), pod],
      'Pod',
      refusal(403, 'pods "worker" is forbidden: violates PodSecurity "restricted:latest": privileged'),
    ],
  ])('is not refused where both are there already: %s', async (_, texts, kind, error) => {
    const changes = await plan(texts, kind, error, true);
    const waiting = changes.find(({ object }) => object.reference.type.kind === kind);
    expect(waiting).toMatchObject({ action: 'update', unchecked: expect.stringContaining('it needs') });
    // What nobody writes is expected to stay.
    expect(waiting?.write?.after).toMatchObject({ metadata: { labels: { version: 'old' } } });
  });

  it.each([
    [
      'the set does not hold it',
      [pod],
      'Pod',
      refusal(
        403,
        'pods "worker" is forbidden: error looking up service account shop/worker: serviceaccount "worker" not found',
      ),
    ],
    [
      'the set holds another one',
      [header('ServiceAccount', 'worker-2'), pod],
      'Pod',
      refusal(403, 'pods "worker" is forbidden: serviceaccount "worker" not found'),
    ],
    [
      'it is about a field',
      [definition, header('ConfigMap', 'wheels')],
      'ConfigMap',
      refusal(422, 'ConfigMap "wheels" is invalid: data: field is immutable'),
    ],
    [
      'rights are missing',
      [header('Role', 'reader', rbac), binding],
      'RoleBinding',
      refusal(
        403,
        'rolebindings.rbac.authorization.k8s.io "reader" is forbidden: User "u" cannot patch resource "rolebindings" in API group "rbac.authorization.k8s.io"',
      ),
    ],
    [
      'a field belongs to somebody else',
      [definition, wheel],
      'Wheel',
      refusal(409, 'Apply failed with 1 conflict: conflict with "other": .spec.size'),
    ],
  ])('is refused where %s', async (_, texts, kind, error) => {
    await expect(plan(texts, kind, error)).rejects.toThrow(/would refuse one object/);
  });

  it('is not held to server-side apply where it is written by patches', async () => {
    const duplicate = refusal(
      500,
      'failed to create typed patch object (shop/worker; /v1, Kind=Pod): .spec.containers[name="w"].env: duplicate entries for key [name="A"]',
    );
    const [change] = await plan([pod], 'Pod', duplicate, true, 'patch');
    expect(change).toMatchObject({ action: 'update', unchecked: expect.stringContaining('duplicate entries for key') });
    await expect(plan([pod], 'Pod', duplicate, true)).rejects.toThrow(/duplicate entries for key/);
  });
});

const seal = createSeal('the credentials of all runs');
const cluster = await startEmbeddedCluster({});
afterAll(() => cluster.stop());

/** Deploys to the embedded cluster; `client` stands between. */
async function deployed(
  name: string,
  text: string,
  more: Partial<DeployOptions> = {},
  client: KubernetesClient = cluster.client,
) {
  const events: DeployEvent[] = [];
  const world: DeployWorld = {
    client,
    store: createInventoryStore(client, 'default', name, seal),
    clock: createQuickClock(100),
    emit: (event) => void events.push(event),
    claim: async () => ({ lost: signal, release: async () => undefined }),
  };
  const options: DeployOptions = {
    id: 'run',
    startedBy: 'alice',
    name,
    namespace: 'default',
    createNamespace: false,
    prune: true,
    pruneKinds: ['Namespace', 'PersistentVolumeClaim'],
    force: false,
    wait: false,
    undoOnFailure: true,
    timeout: 30_000,
    maxRestarts: 3,
    dryRun: false,
    ...more,
  };
  const objects = await resolveObjects(client, parseManifests([{ name: 'app.yaml', text }]), 'default', signal);
  return { verdict: await deploy(world, options, objects, signal), events };
}

it('a Job without labels has those of its pods, as the API server gives them where nobody adds one', async () => {
  const jobs = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' };
  const client: KubernetesClient = {
    ...cluster.client,
    kindsIn: async () => [{ type: jobs, namespaced: true }],
    find: async () => undefined,
    apply: async (_, manifest) => kubernetesObject.parse(manifest),
  };
  const { events } = await deployed(
    'jobs',
    `${header('Job', 'once', 'batch/v1')}spec:
  template:
    metadata: {labels: {app: once}}
    spec: {restartPolicy: Never, containers: [{name: once, image: "app:1"}]}
`,
    { dryRun: true },
    client,
  );
  expect(events.find(({ type }) => type === 'planned')).toMatchObject({
    objects: [{ write: { after: { metadata: { labels: { app: 'once', 'sluice.dev/inventory': 'jobs' } } } } }],
  });
});

const find = (name: string) => cluster.client.find({ type: resources.namespace, namespace: '', name }, signal);
const configMap = header('ConfigMap', 'a');

describe('a Namespace that is no longer in the manifests', () => {
  it('stays where it was there before, and was only labelled', async () => {
    await cluster.client.create(
      resources.namespace,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tools' } },
      signal,
    );
    await deployed('adopts', `${configMap}---\n${header('Namespace', 'tools')}`);
    await deployed('adopts', `${configMap}data: {a: "1"}\n---\n${header('Namespace', 'tools')}`);
    const { verdict, events } = await deployed('adopts', configMap);
    expect(verdict).toBe('deployed');
    expect(events.find(({ type }) => type === 'planned')).toMatchObject({
      objects: expect.arrayContaining([{ object: 'Namespace tools', action: 'keep', write: undefined }]),
    });
    expect(await find('tools')).toBeDefined();
  });

  it('goes where it was made for them, also after further runs', async () => {
    await deployed('makes', `${configMap.replace('name: a', 'name: b')}---\n${header('Namespace', 'own')}`);
    await deployed(
      'makes',
      `${configMap.replace('name: a', 'name: b')}data: {a: "1"}\n---\n${header('Namespace', 'own')}`,
    );
    await deployed('makes', configMap.replace('name: a', 'name: b'));
    expect((await find('own'))?.metadata.deletionTimestamp ?? 'gone').toBeDefined();
    expect(await find('own')).toBeUndefined();
  });

  it('stays where an inventory of an earlier version does not say who made it', async () => {
    const text = configMap.replace('name: a', 'name: c');
    await deployed('older', `${text}---\n${header('Namespace', 'unknown')}`);
    const reference = { type: resources.configMap, namespace: 'default', name: 'sluice-inventory-older' };
    const kept = await cluster.client.get(reference, signal);
    const { created: _, ...inventory } = JSON.parse(String(Object(kept.data).inventory));
    await cluster.client.patchMerge(reference, { data: { inventory: JSON.stringify(inventory) } }, signal);
    await deployed('older', text);
    expect(await find('unknown')).toBeDefined();
  });
});

describe('a set is applied', () => {
  const text = `${header('Secret', 'worker')}---\n${header('ConfigMap', 'needs')}`;
  const missing = refusal(403, 'configmaps "needs" is forbidden: secret "worker" not found');

  /** Refuses one object in the dry run, and so many times when it is written. */
  function refusing(times: number): KubernetesClient {
    let left = times;
    return {
      ...cluster.client,
      apply: async (type, manifest, given, options) => {
        if (manifest.metadata.name === 'needs' && (options?.dryRun === true || left > 0)) {
          if (options?.dryRun !== true) left -= 1;
          throw missing;
        }
        return cluster.client.apply(type, manifest, given, options);
      },
    };
  }

  it('though the API server notices what was needed only a moment later', async () => {
    const { verdict, events } = await deployed('late', text, {}, refusing(3));
    expect(verdict).toBe('deployed');
    expect(events.filter(({ type }) => type === 'applied')).toHaveLength(2);
  });

  it('and undone where the refusal stays', async () => {
    const changed = text.replace('---', 'data: {a: Yg==}\n---');
    const { verdict } = await deployed('late', changed, {}, refusing(Number.POSITIVE_INFINITY));
    expect(verdict).toBe('undone');
  });
});

it('the rules of an aggregated ClusterRole are left to its controller', async () => {
  const role = `${header('ClusterRole', 'admin', rbac)}aggregationRule: {clusterRoleSelectors: []}\nrules: []\n`;
  const applied: unknown[] = [];
  const stored = new Map<string, KubernetesObject>();
  const key = (kind: string, name: string) => `${kind} ${name}`;
  const client: KubernetesClient = {
    ...cluster.client,
    kindsIn: kinds,
    missingVerbs: async () => [],
    find: async ({ type, name }) => stored.get(key(type.kind, name)),
    apply: async (_, manifest, __, options) => {
      applied.push(manifest);
      const object = kubernetesObject.parse(manifest);
      if (options?.dryRun !== true) stored.set(key(manifest.kind, manifest.metadata.name), object);
      return object;
    },
    remove: async () => undefined,
  };
  expect((await deployed('roles', role, {}, client)).verdict).toBe('deployed');
  const written = applied.filter((manifest) => Object(manifest).kind === 'ClusterRole');
  expect(written.length).toBeGreaterThan(1);
  for (const manifest of written) expect(manifest).not.toHaveProperty('rules');
});

it('an inventory that somebody else says was left unfinished keeps nobody from deploying, which is told', async () => {
  const text = configMap.replace('name: a', 'name: left');
  await deployed('left', text);
  const reference = { type: resources.configMap, namespace: 'default', name: 'sluice-inventory-left' };
  const { inventory } = Object((await cluster.client.get(reference, signal)).data);
  const forged = JSON.stringify({ ...JSON.parse(String(inventory)), phase: 'applying' });
  await cluster.client.patchMerge(reference, { data: { inventory: forged } }, signal);
  const { verdict, events } = await deployed('left', `${text}data: {a: "1"}\n`);
  expect(verdict).toBe('deployed');
  expect(events.flatMap((event) => (event.type === 'unconfirmed' ? deployLines(event) : []))).toEqual([
    { level: 'warning', text: expect.stringContaining('sluice-inventory-left was not written by a run with these') },
  ]);
});

describe('of a former deployment', () => {
  const configMaps = (set: string) => ['before', 'after'].map((name) => header('ConfigMap', `${name}-${set}`));
  /** A cluster on which ConfigMaps are served in other versions than they were, by the same paths. */
  const served = (versions: readonly string[]): KubernetesClient => ({
    ...cluster.client,
    kindsIn: async (version) => (version === 'v1' ? cluster.client.kindsIn('v1', signal) : []),
    versionsOf: async () => [...versions],
  });
  const recordedAs = async (name: string, apiVersion: string) => {
    const reference = { type: resources.configMap, namespace: 'default', name: `sluice-inventory-${name}` };
    const { inventory } = Object((await cluster.client.get(reference, signal)).data);
    const kept = JSON.parse(String(inventory));
    for (const object of kept.objects) if (object.name === `before-${name}`) object.type.apiVersion = apiVersion;
    const changed = JSON.stringify(kept);
    await cluster.client.patchMerge(reference, { data: { inventory: changed } }, signal);
  };
  const isThere = async (name: string) =>
    (await cluster.client.find({ type: resources.configMap, namespace: 'default', name }, signal)) !== undefined;

  it('an object of a version that is gone is pruned in the version that is served', async () => {
    await deployed('moves', configMaps('moves').join('---\n'));
    await recordedAs('moves', 'core.example/v1beta1');
    const { verdict, events } = await deployed('moves', configMaps('moves')[1] ?? '', {}, served(['v1']));
    expect(verdict).toBe('deployed');
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'pruned', object: 'ConfigMap default/before-moves' }),
    );
    expect(await isThere('before-moves')).toBe(false);
  });

  it('an object of a kind that is gone is told once, and does not stop the next one', async () => {
    await deployed('gone', configMaps('gone').join('---\n'));
    await recordedAs('gone', 'core.example/v1beta1');
    const { verdict, events } = await deployed('gone', configMaps('gone')[1] ?? '', {}, served([]));
    expect(verdict).not.toBe('failed');
    const told = events.filter(({ type }) => type === 'unserved');
    expect(told).toMatchObject([{ objects: ['ConfigMap default/before-gone'] }]);
    expect(told.flatMap(deployLines)).toEqual([
      { level: 'warning', text: expect.stringContaining('the cluster does not serve its kind any more') },
    ]);
    const again = await deployed('gone', configMaps('gone')[1] ?? '', {}, served([]));
    expect(again.events.filter(({ type }) => type === 'unserved')).toEqual([]);
  });
});
