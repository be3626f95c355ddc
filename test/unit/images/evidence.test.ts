import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBuildInputs } from '../../../src/actions/build-push/load.ts';
import { orderOf } from '../../../src/actions/build-push/order.ts';
import { parseRepository } from '../../../src/core/image-reference.ts';
import { type BuildEvent, type BuildWorld, buildPush, type Order } from '../../../src/images/build-push.ts';
import { findContext } from '../../../src/images/context.ts';
import { type Evidence, sealedEvidence, signedEvidence } from '../../../src/images/evidence.ts';
import type { Manifest } from '../../../src/images/registry/manifests.ts';
import type { Registry } from '../../../src/images/registry/registry.ts';
import { tagsOf } from '../../../src/images/tags.ts';

const mediaType = 'application/vnd.oci.image.index.v1+json';
const image = (text: string): Manifest => ({
  digest: `sha256:${createHash('sha256').update(text).digest('hex')}`,
  mediaType,
  text,
});

/** A registry in memory: what its tags name, and what was pushed to it. */
function memory(): Registry & { readonly tagged: Map<string, Manifest>; readonly pushed: Map<string, Manifest> } {
  const [tagged, pushed] = [new Map<string, Manifest>(), new Map<string, Manifest>()];
  const find = (reference: string) => tagged.get(reference) ?? pushed.get(reference);
  return {
    tagged,
    pushed,
    manifest: async (_, reference) => find(reference),
    digest: async (_, tag) => find(tag)?.digest,
    tags: async () => [...tagged.keys()],
    tag: async (_, manifest, tag) => void tagged.set(tag, manifest),
    checkPush: async () => undefined,
    triggers: async () => [],
    inspect: async (_, manifest) => ({
      manifest,
      platforms: ['linux/amd64'],
      size: 1,
      predicates: ['https://slsa.dev/provenance/v1', 'https://spdx.dev/Document'],
    }),
    close: async () => undefined,
  };
}

describe('an image in the registry under the key of the content', () => {
  let folder: string;
  let builds: number;
  let signed: string[];
  let events: BuildEvent[];
  let registry: ReturnType<typeof memory>;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-evidence-'));
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY . /\n');
    [builds, signed, events, registry] = [0, [], [], memory()];
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function run(
    evidence?: Evidence,
    { signs = false, more = {} }: { signs?: boolean; more?: Partial<Order> } = {},
  ) {
    const order: Order = {
      context: await findContext(folder, '.'),
      repositories: [parseRepository('r.example/acme/shop')],
      tags: tagsOf([{ kind: 'semver' }], { ref: 'refs/tags/v1.2.3' }),
      immutable: [],
      facts: {
        target: undefined,
        platforms: ['linux/amd64'],
        buildArgs: {},
        secretIds: [],
        ssh: [],
        labels: {},
        annotations: [],
        builderKind: 'buildx',
        provenance: 'mode=max',
        sbom: 'true',
        signature: 'none',
      },
      createdAt: 0,
      push: true,
      reuse: true,
      dryRun: false,
      staging: 'sluice-staging',
      request: async () => {
        throw new Error('the builder of this test needs none');
      },
      ...more,
    };
    const world: BuildWorld = {
      registry,
      policy: { signal: new AbortController().signal, deadline: 1, scratch: folder, plainHttp: [], env: {} },
      emit: (event) => events.push(event),
      sign: signs ? async (name, key) => void signed.push(`${name} ${key}`) : undefined,
      evidence,
      builder: async () => ({
        name: 'test',
        build: async () => {
          builds += 1;
          const built = image(`built ${builds}`);
          registry.pushed.set(built.digest, built);
          return { digest: built.digest, steps: [] };
        },
      }),
    };
    return buildPush({ ...order, request: async () => requestOf(order) }, world);
  }

  const secret = 'the secret of this repository';
  const foreign = image('pushed by a branch');

  it('is not released where nothing proves that it was built here', async () => {
    const { contentKey = '' } = await run();
    registry.tagged.set(contentKey, foreign);
    const again = await run();
    expect(again).toMatchObject({ skipped: false, contentKey });
    expect(registry.tagged.get('1.2.3')?.digest).toBe(again.digest);
    expect(again.digest).not.toBe(foreign.digest);
    expect(JSON.stringify(events)).toContain('nothing proves that an image in the registry was built here');
  });

  it('is reused by who has the secret that it was built with, and by nobody else', async () => {
    const first = await run(sealedEvidence(secret, registry));
    expect(await run(sealedEvidence(secret, registry))).toMatchObject({ skipped: true, digest: first.digest });
    expect(await run(sealedEvidence('another secret of others', registry))).toMatchObject({ skipped: false });
    expect(builds).toBe(2);
  });

  it('is built anew where somebody has moved its tags to another image', async () => {
    const { contentKey = '' } = await run(sealedEvidence(secret, registry));
    for (const tag of [...registry.tagged.keys()].filter((name) => name.startsWith('sluice-')))
      registry.tagged.set(tag, foreign);
    const again = await run(sealedEvidence(secret, registry));
    expect(again).toMatchObject({ skipped: false, contentKey });
    expect(registry.tagged.get('1.2.3')?.digest).toBe(again.digest);
    expect(JSON.stringify(events)).toContain('nothing proves that it was built here');
  });

  it('of another content does not become that of this one', async () => {
    const old = await run(sealedEvidence(secret, registry));
    await writeFile(join(folder, 'a'), 'fixed');
    const { contentKey = '' } = await run(sealedEvidence(secret, registry));
    const before = registry.pushed.get(old.digest ?? '');
    if (before) registry.tagged.set(contentKey, before);
    expect(await run(sealedEvidence(secret, registry))).toMatchObject({ skipped: false, contentKey });
  });

  it('is signed by this run as well, where its signature is not the proof', async () => {
    const first = await run(sealedEvidence(secret, registry), { signs: true });
    signed = [];
    expect(await run(sealedEvidence(secret, registry), { signs: true })).toMatchObject({ skipped: true, signed: true });
    expect(signed).toEqual([`r.example/acme/shop@${first.digest} ${first.contentKey}`]);
    signed = [];
    const dry = await run(sealedEvidence(secret, registry), { signs: true, more: { dryRun: true } });
    expect(dry).toMatchObject({ skipped: true, signed: false });
    expect(signed).toEqual([]);
  });

  it('is reused where its signature names this content and this signer', async () => {
    const first = await run(undefined, { signs: true });
    const asked: string[] = [];
    const verify = (answer: boolean) => async (name: string, key: string) => {
      asked.push(`${name} ${key}`);
      return answer;
    };
    expect(await run(signedEvidence(verify(false)), { signs: true })).toMatchObject({ skipped: false });
    signed = [];
    expect(await run(signedEvidence(verify(true)), { signs: true })).toMatchObject({ skipped: true });
    expect(asked[0]).toBe(`r.example/acme/shop@${first.digest} ${first.contentKey}`);
    expect(signed).toEqual([]);
  });
});

function requestOf({ context }: Order): Awaited<ReturnType<Order['request']>> {
  return {
    folder: context.folder,
    file: context.file,
    target: undefined,
    platforms: [],
    buildArgs: {},
    hiddenArgs: {},
    secrets: {},
    ssh: [],
    labels: {},
    annotations: [],
    cacheFrom: [],
    cacheTo: [],
    noCache: false,
    pull: false,
    provenance: 'false',
    sbom: 'false',
    createdAt: undefined,
  };
}

describe('the signer in the key', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-signer-'));
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\n');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const source = { ref: 'refs/heads/main' };
  const signatureOf = async (workflow: string, more: Readonly<Record<string, string>> = {}) => {
    const inputs = readBuildInputs({ image: 'r.example/acme/shop', sign: 'keyless', context: folder, ...more });
    return (await orderOf(inputs, source, { workspace: folder, scratch: folder, env: {}, workflow })).facts.signature;
  };

  it('is the workflow, so that a release is signed by its own', async () => {
    const ofBranch = await signatureOf('acme/shop/.github/workflows/ci.yml@refs/heads/main');
    expect(await signatureOf('acme/shop/.github/workflows/release.yml@refs/tags/v1.2.3')).not.toBe(ofBranch);
  });

  it('does not matter where each run signs anew', async () => {
    const given = { 'reuse-secret': 'the secret of this repository' };
    expect(await signatureOf('one', given)).toBe(await signatureOf('other', given));
  });
});
