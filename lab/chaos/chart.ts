import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { render } from '../cluster/config.ts';
import { type Manifest, manifest } from '../cluster/kubernetes.ts';
import { buildHelm, programPath } from '../cluster/programs.ts';
import { inTemporaryFolder, run } from '../programs/commands.ts';
import { downloadModule } from '../programs/golang.ts';
import { program } from '../programs/program.ts';
import { versions } from '../programs/versions.ts';
import { module } from './programs.ts';

/** Where Chaos Mesh is installed; the chart's release has the name, too. */
export const namespace = 'chaos-mesh';

const valuesFile = join(import.meta.dirname, 'values.yaml');
const values = render(readFileSync(valuesFile, 'utf8'), valuesFile);
const valuesDigest = createHash('sha256').update(values).digest('hex').slice(0, 12);

/** What Chaos Mesh's own chart installs, with certificates that the chart has made. */
export const chart = program('chaos-mesh-chart', `${versions.chaosMesh}-${valuesDigest}`, async (output, signal) => {
  await buildHelm(signal);
  const source = join((await downloadModule(module, versions.chaosMesh, signal)).Dir, 'helm/chaos-mesh');
  const text = await inTemporaryFolder(async (folder) => {
    const file = join(folder, 'values.yaml');
    await writeFile(file, values);
    const options = ['--namespace', namespace, '--include-crds', '--values', file];
    return run(programPath('helm'), ['template', namespace, source, ...options], { signal });
  });
  const documents = parseAllDocuments(text).map((document): unknown => document.toJS());
  const objects = documents.flatMap((document) => (document === null ? [] : placed(manifest.parse(document))));
  const isDefinition = ({ kind }: Manifest) => kind === 'CustomResourceDefinition';
  await writeFile(join(output, 'crds.json'), JSON.stringify(objects.filter(isDefinition), withNewFields));
  await writeFile(join(output, 'objects.json'), JSON.stringify(objects.filter((object) => !isDefinition(object))));
});

const networkSpec = z.looseObject({
  properties: z.looseObject({ externalTargets: z.unknown(), device: z.unknown(), direction: z.unknown() }),
});

/**
 * The published module of the types is four days newer than the chart, and its webhook fills in a field that the chart's
 * definitions lack. The API server would drop it, and the webhook would take every later update for a forbidden change of the spec.
 */
function withNewFields(_key: string, value: unknown): unknown {
  const { success, data } = networkSpec.safeParse(value);
  if (!success) return value;
  const partitionBehavior = { type: 'string', enum: ['drop', 'reject'], default: 'drop' };
  return { ...data, properties: { ...data.properties, partitionBehavior } };
}

/** The chart names a namespace for some objects of the whole cluster, too: clients leave it out of their addresses. */
function placed(object: Manifest): Manifest {
  const { namespace: _, ...metadata } = object.metadata;
  return object.kind.startsWith('Cluster') ? { ...object, metadata } : object;
}

/** A file for `applyDefinitions`. */
export const definitionsFile = join(chart.folder, 'crds.json');

const workload = z.looseObject({
  spec: z.object({ template: z.object({ spec: z.object({ containers: z.array(z.unknown()).length(1) }) }) }),
});
const container = z.object({
  env: z.array(z.object({ name: z.string(), value: z.string().optional(), valueFrom: z.unknown().optional() })),
});
const secret = z.looseObject({ data: z.record(z.string(), z.base64()) });

export type Chart = Awaited<ReturnType<typeof readChart>>;

export async function readChart() {
  const objects = z.array(manifest).parse(JSON.parse(await readFile(join(chart.folder, 'objects.json'), 'utf8')));
  const named = (kind: string, name: string) =>
    objects.find((object) => object.kind === kind && object.metadata.name === name);
  const isPods = ({ kind }: Manifest) => kind === 'Deployment' || kind === 'DaemonSet';
  const isWebhook = ({ kind }: Manifest) => kind.endsWith('WebhookConfiguration');

  return {
    /** What is applied before the controller runs: accounts, their rights, Services, Secrets. */
    ground: objects.filter((object) => !isPods(object) && !isWebhook(object)),
    /** They refuse every fault while nobody answers them. */
    webhooks: objects.filter(isWebhook),
    /** The environment of the controller's container. */
    controllerEnv(): Record<string, string> {
      const { spec } = workload.parse(named('Deployment', 'chaos-controller-manager')).spec.template;
      const { env } = container.parse(spec.containers[0]);
      // Whatever is not a plain value is the pod's namespace.
      return Object.fromEntries(env.map(({ name, value = namespace }) => [name, value]));
    },
    /** Writes the files of a Secret into a folder. */
    async writeSecret(name: string, folder: string): Promise<void> {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for (const [file, content] of Object.entries(secret.parse(named('Secret', name)).data)) {
        await writeFile(join(folder, file), Buffer.from(content, 'base64'), { mode: 0o600 });
      }
    },
  };
}

const definition = z.object({
  spec: z.object({ names: z.object({ plural: z.string() }) }),
});

/** Plural names of Chaos Mesh's kinds: `networkchaos`, `schedules` … */
export async function kindsOfChart(): Promise<string[]> {
  const definitions = z.array(definition).parse(JSON.parse(await readFile(definitionsFile, 'utf8')));
  return definitions.map(({ spec }) => spec.names.plural);
}
