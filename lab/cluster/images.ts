import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { request } from 'undici';
import { LabError } from '../programs/commands.ts';
import { type Contents, digestOf, type Layer } from './contents.ts';
import { labAgent } from './host.ts';
import { endpoints } from './layout.ts';

interface Image {
  readonly repository: string;
  readonly tag: string;
  readonly layer: Layer;
  readonly entrypoint: readonly string[];
  readonly env?: readonly string[];
}

/** The lab's images. The two versions of the demo service differ in their environment, and so in their digest. */
function images(layers: Contents['layers']): Image[] {
  const usual = 'ERROR_RATE=0.005';
  const demo = { repository: 'demo-service', layer: layers.demo, entrypoint: ['/demo-service'] };
  return [
    { repository: 'pause', tag: 'lab', layer: layers.pause, entrypoint: ['/pause'] },
    { repository: 'envoy', tag: 'lab', layer: layers.envoy, entrypoint: ['/envoy'] },
    { repository: 'prometheus', tag: 'lab', layer: layers.prometheus, entrypoint: ['/prometheus'] },
    // Both versions fail as often as an ordinary service does.
    { ...demo, tag: 'v1', env: ['VERSION=v1', usual] },
    { ...demo, tag: 'v2', env: ['VERSION=v2', usual] },
    // Bad releases, for a canary that differs from stable only in its image.
    { ...demo, tag: 'v2-errors-2pct', env: ['VERSION=v2', 'ERROR_RATE=0.02'] },
    { ...demo, tag: 'v2-errors-10pct', env: ['VERSION=v2', 'ERROR_RATE=0.1'] },
    { ...demo, tag: 'v2-errors-100pct', env: ['VERSION=v2', 'ERROR_RATE=1'] },
    { ...demo, tag: 'v2-slow', env: ['VERSION=v2', usual, 'LATENCY=300ms'] },
    { ...demo, tag: 'v2-crash', env: ['VERSION=v2', 'CRASH=true'] },
    { ...demo, tag: 'v2-unready', env: ['VERSION=v2', 'READY=false'] },
  ];
}

/** Pushes the lab's images to its registry. */
export async function pushImages(layers: Contents['layers'], signal: AbortSignal): Promise<void> {
  const repositories = Map.groupBy(images(layers), ({ repository }) => repository);
  // Images of one repository share a layer, which the registry sometimes loses if it is uploaded twice at once.
  const pushes = [...repositories.values()].map(async (ofRepository) => {
    for (const image of ofRepository) await pushImage(image, signal);
  });
  await Promise.all(pushes);
}

/** Pushes an image of one layer by the OCI distribution specification: layer, configuration, then the manifest. */
export async function pushImage(image: Image, signal: AbortSignal): Promise<void> {
  const { repository, layer } = image;
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      config: { Entrypoint: image.entrypoint, Env: image.env ?? [] },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    }),
  );
  const size = (await stat(layer.tar)).size;
  await pushBlob(repository, layer.digest, size, () => createReadStream(layer.tar), signal);
  await pushBlob(repository, digestOf(config), config.length, () => config, signal);
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(config), size: config.length },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: layer.digest, size }],
  };
  const response = await request(`http://${endpoints.registry}/v2/${repository}/manifests/${image.tag}`, {
    method: 'PUT',
    headers: { 'content-type': manifest.mediaType },
    body: JSON.stringify(manifest),
    dispatcher: labAgent,
    signal,
  });
  await expectCreated(response, `manifest of ${repository}:${image.tag}`);
}

async function pushBlob(
  repository: string,
  digest: string,
  size: number,
  body: () => Buffer | Readable,
  signal: AbortSignal,
) {
  const uploads = `http://${endpoints.registry}/v2/${repository}/blobs/uploads/`;
  const opened = await request(uploads, { method: 'POST', dispatcher: labAgent, signal });
  await opened.body.dump();
  const target = new URL(`${opened.headers.location}`, uploads);
  target.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream', 'content-length': `${size}` };
  await expectCreated(
    await request(target, { method: 'PUT', headers, body: body(), dispatcher: labAgent, signal }),
    `${digest} of ${repository}`,
  );
}

async function expectCreated(response: Awaited<ReturnType<typeof request>>, what: string): Promise<void> {
  const text = await response.body.text();
  if (response.statusCode !== 201) throw new LabError(`registry refused ${what}: HTTP ${response.statusCode} ${text}`);
}
