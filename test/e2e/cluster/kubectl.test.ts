import { describe, expect, test } from 'vitest';
import { connect } from '../../../lab/cluster/kubernetes.ts';
import { endpoints } from '../../../lab/cluster/layout.ts';
import { resources } from '../../../src/cluster/resources.ts';
import { rulesFor } from './documented-roles.ts';
import { configMapOf, deploymentOf, documentedRules, inPlace, type Place, together } from './kubectl.ts';
import { createAccount } from './shop.ts';

const never = new AbortController().signal;
const image = (tag: string) => `${endpoints.registry}/demo-service:${tag}`;

/** Deploys what is there before. */
async function deployed(place: Place, manifests: string): Promise<Record<string, unknown>> {
  const { outputs, log } = await place.deploy(manifests);
  expect(outputs.verdict, log).toBe('deployed');
  return place.contents();
}

describe.concurrent('what is asked for', () => {
  test('is created, changed, left alone where nothing changes, and pruned where it is gone', () =>
    inPlace(async (place) => {
      const { namespace } = place;
      const first = together(configMapOf('a', '1'), configMapOf('b', '1'), deploymentOf('web'));
      const created = await place.deploy(first);
      expect(created.outputs).toMatchObject({ verdict: 'deployed', changed: 'true', pruned: '' });
      expect(created.outputs.resources?.split('\n')).toEqual([
        `ConfigMap ${namespace}/a`,
        `ConfigMap ${namespace}/b`,
        `Deployment ${namespace}/web`,
      ]);

      const again = await place.deploy(first);
      expect(again.outputs).toMatchObject({ verdict: 'unchanged', changed: 'false' });
      expect(again.outputs['manifest-digest']).toBe(created.outputs['manifest-digest']);

      const changed = await place.deploy(together(configMapOf('a', '2'), deploymentOf('web')));
      expect(changed.outputs).toMatchObject({ verdict: 'deployed', pruned: `ConfigMap ${namespace}/b` });
      expect(changed.summary).toContain('-  value: "1"\n+  value: "2"');
      expect(Object.keys(await place.contents())).toEqual([`ConfigMap ${namespace}/a`, `Deployment ${namespace}/web`]);
      expect(await place.inventory()).toMatchObject({ phase: 'ended', verdict: 'deployed' });
      expect(await place.snapshot()).toBeUndefined();
    }));

  test('may bring the definition of its own kind and its namespace', () =>
    inPlace(async (place) => {
      const group = `${place.namespace}.example`;
      const schema = '{type: object, x-kubernetes-preserve-unknown-fields: true}';
      const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: tills.${group}}
spec:
  group: ${group}
  scope: Namespaced
  names: {kind: Till, plural: tills}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: ${schema}}}]
`;
      const till = `apiVersion: ${group}/v1\nkind: Till\nmetadata: {name: one}\nspec: {size: 1}\n`;
      const type = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        plural: 'customresourcedefinitions',
      };
      try {
        const ended = await place.deploy(together(till, definition));
        expect(ended.outputs.verdict, ended.log).toBe('deployed');
        expect(await place.find({ apiVersion: `${group}/v1`, kind: 'Till', plural: 'tills' }, 'one')).toBeDefined();
      } finally {
        await place.client.remove({ type, namespace: '', name: `tills.${group}` }, never);
      }
    }));

  test('may be a kustomization, in a namespace that does not exist yet', () =>
    inPlace(async (place) => {
      const namespace = `${place.namespace}-new`;
      const files = {
        'base/a.yaml': configMapOf('a', '1'),
        'base/kustomization.yaml': 'resources: [a.yaml]\nnamePrefix: my-\n',
      };
      const inputs = { manifests: '', kustomize: 'base', namespace };
      try {
        const refused = await place.deploy('', inputs, '1', files);
        expect(refused.log).toContain('Set "create-namespace: true"');
        const dryRun = await place.deploy('', { ...inputs, 'create-namespace': 'true', 'dry-run': 'true' }, '1', files);
        expect(dryRun.outputs, dryRun.log).toMatchObject({ changed: 'true', resources: `ConfigMap ${namespace}/my-a` });
        const ended = await place.deploy('', { ...inputs, 'create-namespace': 'true' }, '1', files);
        expect(ended.outputs, ended.log).toMatchObject({
          verdict: 'deployed',
          resources: `ConfigMap ${namespace}/my-a`,
        });
      } finally {
        await place.client.remove({ type: resources.namespace, namespace: '', name: namespace }, never);
      }
    }));

  test('is shown and not written in a dry run, and no value of a Secret is', () =>
    inPlace(async (place) => {
      const secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: correct-horse}\n';
      const ended = await place.deploy(together(configMapOf('a', '1'), secret), { 'dry-run': 'true' });
      expect(ended.outputs).toMatchObject({ verdict: '', changed: 'true' });
      expect(ended.summary).toContain(`Diff of ConfigMap ${place.namespace}/a`);
      expect(ended.log.replaceAll(/^::add-mask::.*$/gm, '') + ended.summary).not.toMatch(
        /correct-horse|Y29ycmVjdC1ob3JzZQ/,
      );
      expect(await place.contents()).toEqual({});
      expect(await place.inventory()).toBeUndefined();
    }));
});

describe.concurrent('a set is deployed as one', () => {
  test('a Role and its RoleBinding, by an administrator of the namespace alone', () =>
    inPlace(async (place) => {
      const { namespace } = place;
      const rules = [
        { apiGroups: ['', 'apps'], resources: ['*'], verbs: ['*'] },
        { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['*'] },
        {
          apiGroups: ['rbac.authorization.k8s.io'],
          resources: ['roles', 'rolebindings'],
          verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'],
        },
      ];
      const kubeconfig = await createAccount(await connect(), namespace, 'admin', rules);
      const group = 'rbac.authorization.k8s.io';
      const set = together(
        `apiVersion: ${group}/v1\nkind: RoleBinding\nmetadata: {name: reader}\nroleRef: {apiGroup: ${group}, kind: Role, name: reader}\nsubjects: [{kind: ServiceAccount, name: reader, namespace: ${namespace}}]\n`,
        `apiVersion: ${group}/v1\nkind: Role\nmetadata: {name: reader}\nrules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]\n`,
        'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: reader}\n',
      );
      const ended = await place.deploy(set, { kubeconfig });
      expect(ended.outputs.verdict, ended.log).toBe('deployed');
      expect(ended.log).toContain(`it needs Role ${namespace}/reader, which is applied with it`);
    }));

  test('a definition that gains a field, with an object that uses it; whole numbers keep their 64 bits', () =>
    inPlace(async (place) => {
      const group = `${place.namespace}.example`;
      const definition = (fields: string) =>
        `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: wheels.${group}}\nspec:\n  group: ${group}\n  scope: Namespaced\n  names: {kind: Wheel, plural: wheels, singular: wheel, listKind: WheelList}\n  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {${fields}}}}}}}]\n`;
      const wheel = (spec: string) => `apiVersion: ${group}/v1\nkind: Wheel\nmetadata: {name: w1}\nspec: {${spec}}\n`;
      const size = 'size: {type: integer, format: int64}';
      const before = together(definition(size), wheel('size: 1'));
      expect((await place.deploy(before)).outputs.verdict).toBe('deployed');
      const after = together(
        definition(`${size}, colour: {type: string}`),
        wheel('size: 9007199254740993, colour: red'),
      );
      const ended = await place.deploy(after);
      expect(ended.outputs.verdict, ended.log).toBe('deployed');
      const type = { apiVersion: `${group}/v1`, kind: 'Wheel', plural: 'wheels' };
      expect((await place.find(type, 'w1'))?.spec).toEqual({ size: 9007199254740993n, colour: 'red' });
      expect((await place.deploy(after)).outputs.verdict).toBe('unchanged');
      const cluster = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        plural: 'customresourcedefinitions',
      };
      await place.client.remove({ type: cluster, namespace: '', name: `wheels.${group}` }, never);
    }));
});

describe.concurrent('what can not be is refused before the first write', () => {
  test.for([
    [
      'a value of the wrong type, beside an unknown field',
      together(deploymentOf('web', { replicas: 'many' }), `${configMapOf('a', '1')}bogus: 1\n`),
      /Deployment \S+ \(app\.yaml, document 1\): \.spec\.replicas: expected numeric .* got string\. Write a value of that type/,
    ],
    ['an immutable field', deploymentOf('web', { app: 'other' }), /field is immutable\. This field can not be changed/],
    [
      'a kind that nobody knows',
      'apiVersion: acme.example/v1\nkind: Till\nmetadata: {name: a}\n',
      /does not know Till of acme\.example\/v1/,
    ],
  ] as const)('%s', ([, manifests, message]) =>
    inPlace(async (place) => {
      const before = await deployed(place, deploymentOf('web'));
      const ended = await place.deploy(together(manifests, configMapOf('new', '1')));
      expect(ended.status).toBe(1);
      expect(ended.log).toMatch(message);
      expect(ended.log).toContain('Nothing was changed.');
      expect(await place.contents()).toEqual(before);
      expect(await place.inventory()).toMatchObject({ phase: 'ended', verdict: 'deployed' });
    }),
  );

  test('a field of another manager, until it is taken over by force', () =>
    inPlace(async (place) => {
      await deployed(place, configMapOf('a', '1'));
      const reference = { type: resources.configMap, namespace: place.namespace, name: 'a' };
      const foreign = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: place.namespace } };
      await place.client.apply(reference.type, { ...foreign, data: { value: '7' } }, never, {
        fieldManager: 'somebody',
        force: true,
      });
      const refused = await place.deploy(configMapOf('a', '2'));
      expect(refused.log).toContain('"somebody" owns .data.value. Leave these fields out of the manifest');
      const forced = await place.deploy(configMapOf('a', '2'), { 'force-conflicts': 'true' });
      expect(forced.outputs.verdict, forced.log).toBe('deployed');
    }));

  test('what is deployed under another name', () =>
    inPlace(async (place) => {
      await deployed(place, configMapOf('a', '1'));
      const ended = await place.deploy(configMapOf('a', '2'), { name: 'other' });
      expect(ended.log).toContain(`ConfigMap ${place.namespace}/a (of "shop")`);
    }));

  test('a lack of rights, all of them at once; those of the README are enough', () =>
    inPlace(async (place) => {
      const api = await connect();
      const { namespace } = place;
      const manifests = together(
        deploymentOf('web'),
        'apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n',
      );
      const poor = await createAccount(api, namespace, 'poor', []);
      const refused = await place.deploy(manifests, { kubeconfig: poor });
      expect(refused.log).toMatch(
        /are missing: .*get, list, watch, create, update, patch, delete deployments in namespace/,
      );
      expect(refused.log).toContain('Let an administrator of the cluster apply this, by kubectl apply -f FILE:');
      expect(await place.contents()).toEqual({});

      const documented = await createAccount(api, namespace, 'documented', rulesFor(['shop'], await documentedRules()));
      const ended = await place.deploy(manifests, { kubeconfig: documented });
      expect(ended.outputs.verdict, ended.log).toBe('deployed');
      await place.deploy(deploymentOf('web'), { kubeconfig: documented });
      expect(Object.keys(await place.contents())).toEqual([`Deployment ${namespace}/web`]);
    }));

  test('a quota that is full', () =>
    inPlace(async (place) => {
      const quota = { apiVersion: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas' };
      const { namespace } = place;
      const { plural: _, ...kind } = quota;
      const spec = { hard: { 'count/services': '0' } };
      await place.client.create(quota, { ...kind, metadata: { name: 'small', namespace }, spec }, never);
      await place.until('the quota', async () => JSON.stringify(await place.find(quota, 'small')).includes('"used"'));
      const service = 'apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n';
      const ended = await place.deploy(together(configMapOf('a', '1'), service));
      expect(ended.log).toMatch(/exceeded quota: small.*Ask for less, or raise the ResourceQuota/);
      expect(await place.contents()).toEqual({});
    }));
});

describe.concurrent('what does not get ready is undone, and the log says why', () => {
  const pods = (tag: string, env: Record<string, string> = {}) =>
    deploymentOf('web', { image: tag.includes('/') ? tag : image(tag), replicas: 1, env });

  test.for([
    [
      'a container that crashes',
      pods('v2-crash'),
      { 'max-restarts': '1' },
      [
        /crashed 2 times \(exit code 1\)/,
        /\| .*ends because CRASH is true/,
        /What to do: Correct what the last lines say/,
      ],
    ],
    [
      'an image that is nowhere',
      pods('v99'),
      {},
      [/can't get its image \S+:v99: \S/, /What to do: Check the image's name and tag/],
    ],
    [
      'a Secret that is missing',
      pods('v1').replace('env: []', 'envFrom: [{secretRef: {name: nowhere}}]'),
      {},
      [/secret "nowhere" not found/, /What to do: Create what the message says is missing/],
    ],
    [
      'a readiness probe that fails',
      pods('v2-unready'),
      { timeout: '12s' },
      [
        /Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503/,
        /was not ready in time: 1 of 1 updated, 0 of them ready; 1 of the former version still run/,
      ],
    ],
  ] as const)('%s', ([, manifest, inputs, messages]) =>
    inPlace(async (place) => {
      const before = await deployed(place, together(pods('v1'), configMapOf('a', '1')));
      const ended = await place.deploy(together(manifest, configMapOf('a', '2'), configMapOf('new', '1')), inputs);
      for (const message of messages) expect(ended.log).toMatch(message);
      expect(ended.outputs).toMatchObject({ verdict: 'undone', changed: 'false' });
      expect(ended.status).toBe(1);
      expect(ended.summary).toContain('### What did not get ready');
      expect(await place.contents()).toEqual(before);
      expect(await place.inventory()).toMatchObject({ phase: 'ended', verdict: 'undone' });
      expect(await place.snapshot()).toBeUndefined();
      const again = await place.deploy(together(pods('v1'), configMapOf('a', '1')));
      expect(again.outputs.verdict, again.log).toBe('unchanged');
    }),
  );

  test('pods for which the quota has no room', () =>
    inPlace(async (place) => {
      const before = await deployed(place, pods('v1'));
      const quota = { apiVersion: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas' };
      const { plural: _, ...kind } = quota;
      const metadata = { name: 'small', namespace: place.namespace };
      await place.client.create(quota, { ...kind, metadata, spec: { hard: { pods: '1' } } }, never);
      await place.until('the quota', async () => JSON.stringify(await place.find(quota, 'small')).includes('"used"'));
      const ended = await place.deploy(pods('v2'));
      expect(ended.log).toMatch(/can't make its pods \(FailedCreate\): .*exceeded quota: small/);
      expect(ended.outputs.verdict).toBe('undone');
      expect(await place.contents()).toEqual(before);
    }));

  test('a job that is cancelled while it waits', () =>
    inPlace(async (place) => {
      const before = await deployed(place, pods('v1'));
      const run = await place.start(together(pods('v2-unready'), configMapOf('new', '1')));
      await place.until('the wait', async () => run.printed().includes('0 of them ready'));
      run.cancel();
      const ended = await run.ended;
      await run.clean();
      expect(ended.log).toContain('was asked to stop (SIGINT)');
      expect(await place.inventory(), ended.log).toMatchObject({ phase: 'ended', verdict: 'undone' });
      expect(ended.outputs.verdict).toBe('undone');
      expect(await place.contents()).toEqual(before);
    }));

  test('a run that is killed, by its post step', () =>
    inPlace(async (place) => {
      const before = await deployed(place, pods('v1'));
      const run = await place.start(together(pods('v2-unready'), configMapOf('new', '1')));
      await place.until('the wait', async () => run.printed().includes('0 of them ready'));
      run.main.kill('SIGKILL');
      const ended = await run.ended;
      await run.clean();
      expect(ended.outputs.verdict, ended.log).toBe('undone');
      expect(await place.contents()).toEqual(before);
      expect(await place.snapshot()).toBeUndefined();
    }));
});
