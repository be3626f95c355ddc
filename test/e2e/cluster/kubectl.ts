import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { kubeconfigPath } from '../../../lab/cluster/layout.ts';
import { actionFolder, type Ended, type Run, runAction } from '../../../lab/embedded/runner.ts';
import { waitUntil } from '../../../lab/programs/wait.ts';
import { comparable } from '../../../src/apply/changes.ts';
import { createClient, type KubernetesClient } from '../../../src/cluster/client.ts';
import { loadConfig } from '../../../src/cluster/kubeconfig.ts';
import { describe, type ResourceType, resources } from '../../../src/cluster/resources.ts';
import { connect } from '../../../src/cluster/transport.ts';

const never = new AbortController().signal;

type Inputs = Readonly<Record<string, string>>;
export type Place = Awaited<ReturnType<typeof openPlace>>;

/** Gives a namespace of its own to a test and takes it away after it. */
export async function inPlace(tell: (place: Place) => Promise<void>): Promise<void> {
  const place = await openPlace();
  try {
    await tell(place);
  } finally {
    await place.close();
  }
}

/** The kinds that these tests deploy. */
const kinds = [resources.configMap, resources.secret, resources.deployment, resources.service] as const;

async function openPlace() {
  const client = createClient(connect(loadConfig({ kubeconfig: kubeconfigPath, context: '', env: {} }), {}));
  const namespace = `kdeploy-${randomBytes(3).toString('hex')}`;
  const own = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await client.create(resources.namespace, own, never);
  const find = (type: ResourceType, name: string) => client.find({ type, namespace, name }, never);

  /** Starts the built action as a runner would, as the run of this number. */
  function start(manifests: string, inputs: Inputs = {}, runId = '1', files: Inputs = {}): Promise<Run> {
    return runAction({
      action: actionFolder('kubectl-deploy'),
      inputs: { kubeconfig: kubeconfigPath, namespace, name: 'shop', manifests: 'app.yaml', timeout: '90s', ...inputs },
      env: { PATH: process.env.PATH ?? '', NO_COLOR: '1', GITHUB_RUN_ID: runId },
      files: { 'app.yaml': manifests, ...files },
    });
  }

  return {
    namespace,
    client,
    find,
    start,
    /** Runs the action to its end. */
    async deploy(manifests: string, inputs: Inputs = {}, runId = '1', files: Inputs = {}): Promise<Ended> {
      const run = await start(manifests, inputs, runId, files);
      const ended = await run.ended;
      await run.clean();
      return ended;
    },
    /** All objects of these kinds as people wrote them, by their names; without those of Kubernetes and of Sluice itself. */
    contents: () => contents(client, namespace),
    /** What the inventory says; undefined where there is none. */
    async inventory() {
      const found = await find(resources.configMap, 'sluice-inventory-shop');
      return found && inventory.parse(JSON.parse(configMap.parse(found).data.inventory ?? ''));
    },
    snapshot: () => find(resources.secret, 'sluice-inventory-shop'),
    until: (what: string, condition: () => Promise<boolean>) =>
      waitUntil(condition, { what: `${what} in ${namespace}`, timeout: 60_000, signal: never }),
    async close(): Promise<void> {
      await client.remove({ type: resources.namespace, namespace: '', name: namespace }, never);
      await client.close();
    },
  };
}

const configMap = z.looseObject({ data: z.record(z.string(), z.string()) });
const inventory = z.looseObject({
  phase: z.string(),
  verdict: z.string().optional(),
  objects: z.array(z.looseObject({ name: z.string() })),
});

async function contents(client: KubernetesClient, namespace: string): Promise<Record<string, unknown>> {
  const lists = await Promise.all(kinds.map((type) => client.list(type, namespace, {}, never)));
  const found = lists.flat().filter(({ metadata }) => !/^(kube-root-ca|istio-ca|sluice-inventory)/.test(metadata.name));
  return Object.fromEntries(
    found.map((object) => {
      const { apiVersion, kind } = object;
      const reference = { type: { apiVersion, kind, plural: '' }, namespace, name: object.metadata.name };
      // The controller counts on.
      const { 'deployment.kubernetes.io/revision': _, ...annotations } = object.metadata.annotations ?? {};
      return [describe(reference), comparable({ ...object, metadata: { ...object.metadata, annotations } })];
    }),
  );
}

/** A ConfigMap with one value. */
export function configMapOf(name: string, value: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {value: "${value}"}\n`;
}

export interface DeploymentOptions {
  readonly image?: string;
  readonly replicas?: number | string;
  readonly app?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A Deployment of the demo service. */
export function deploymentOf(name: string, options: DeploymentOptions = {}): string {
  const { image = 'demo', replicas = 0, app = name, env = {} } = options;
  const variables = Object.entries(env).map(([key, value]) => `{name: ${key}, value: "${value}"}`);
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${app}}}
  template:
    metadata: {labels: {app: ${app}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: app
          image: ${image}
          env: [${variables.join(', ')}]
          readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
          resources: {requests: {cpu: 5m, memory: 16Mi}}
`;
}

/** Several manifests as one text. */
export function together(...manifests: readonly string[]): string {
  return manifests.join('---\n');
}

const role = z.object({
  rules: z.array(
    z.object({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      resourceNames: z.array(z.string()).optional(),
      verbs: z.array(z.string()),
    }),
  ),
});

/** The rules of the Role that the README shows. */
export async function documentedRules() {
  const readme = await readFile(join(actionFolder('kubectl-deploy'), 'README.md'), 'utf8');
  return role.parse(parse(/```yaml\n(apiVersion: rbac[\s\S]*?)```/.exec(readme)?.[1] ?? '')).rules;
}
