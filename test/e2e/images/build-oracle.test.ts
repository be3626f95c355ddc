import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { programPath } from '../../../lab/cluster/programs.ts';
import { run } from '../../../lab/programs/commands.ts';
import { keyOf } from '../../../src/images/build-key.ts';
import { findContext } from '../../../src/images/context.ts';
import { createRegistry } from '../../../src/images/registry/registry.ts';
import { makeContext, prepare, startBuildKit, startRegistry, type TestRegistry } from './lab.ts';
import { type TestBuild, type TestCase, testCase, writeContext } from './oracle-cases.ts';

/** 50 in CI; `npm run test:real -- oracle-build` asks for 2,000. */
const CASES = Number(process.env.SLUICE_ORACLE_CASES ?? 50);
const SEED = Number(process.env.SLUICE_ORACLE_SEED ?? 1);
/** Cases that are built by one call. */
const BATCH = 25;

const never = new AbortController().signal;
const metadata = z.record(z.string(), z.looseObject({ 'containerimage.digest': z.string().optional() }));
/** Every file is as old as this: the digest of an image then says all of it but when it was built. */
const env = { SOURCE_DATE_EPOCH: '1', BUILDX_BAKE_ENTITLEMENTS_FS: '0', BUILDX_METADATA_PROVENANCE: 'disabled' };

let registry: TestRegistry;
let buildkit: Awaited<ReturnType<typeof startBuildKit>>;
let folder: string;
let sources: Parameters<typeof testCase>[0];
/** What is served, which moves. */
let served = 'first';
const server = createServer((request, response) => response.end(request.url?.endsWith('-fixed') ? 'fixed' : served));

beforeAll(async () => {
  await prepare();
  [registry, buildkit] = await Promise.all([startRegistry(), startBuildKit()]);
  folder = await mkdtemp(join(tmpdir(), 'sluice-oracle-'));
  const config = { BUILDX_CONFIG: join(folder, 'buildx') };
  await run(programPath('buildx'), ['create', '--name', 'oracle', '--driver', 'remote', buildkit.address], {
    env: config,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  sources = sourcesOf(`${registry.host}/oracle`, `http://127.0.0.1:${port}/file`);
  await publish(sources.still.base, 'base');
}, 1_800_000);

afterAll(async () => {
  server.close();
  await Promise.all([registry?.stop(), buildkit?.stop()]);
  if (folder) await rm(folder, { recursive: true, force: true });
});

function sourcesOf(repository: string, url: string): typeof sources {
  const base = `${repository}/base:1`;
  const digest = createHash('sha256').update('fixed').digest('hex');
  const pinned = `ADD --checksum=sha256:${digest} ${url}-fixed /url`;
  return {
    still: { base, moving: base, downloads: [pinned] },
    moves: { base, moving: `${repository}/moving:1`, downloads: [`ADD ${url} /url`, `ARG U=${url}\nADD $U /url`] },
  };
}

async function buildx(args: readonly string[]): Promise<void> {
  await run(programPath('buildx'), args, { env: { ...env, BUILDX_CONFIG: join(folder, 'buildx') } });
}

/** Moves a tag to an image with the tool and this message. */
async function publish(image: string, message: string): Promise<void> {
  const context = await makeContext('FROM scratch\nCOPY tool message /\n', { message });
  await buildx([
    'build',
    '--builder=oracle',
    '--provenance=false',
    `--output=type=image,name=${image},push=true`,
    context,
  ]);
  await rm(context, { recursive: true, force: true });
}

interface Target {
  readonly name: string;
  readonly at: string;
  readonly build: TestBuild;
}

/** The digests of what BuildKit makes of them; undefined for what it refuses. */
async function digestsOf(targets: readonly Target[]): Promise<Map<string, string | undefined>> {
  const target = Object.fromEntries(
    targets.map(({ name, at, build }) => [
      name,
      {
        context: at,
        args: build.buildArgs,
        pull: true,
        output: [`type=image,name=oracle/${name},push=false,rewrite-timestamp=true,compression=uncompressed`],
        attest: ['type=provenance,disabled=true', 'type=sbom,disabled=true'],
      },
    ]),
  );
  const [file, answer] = [join(folder, 'bake.json'), join(folder, 'metadata.json')];
  await writeFile(file, JSON.stringify({ group: { default: { targets: Object.keys(target) } }, target }));
  try {
    await buildx(['bake', '--builder=oracle', '--progress=quiet', `--metadata-file=${answer}`, '--file', file]);
    const found = metadata.parse(JSON.parse(await readFile(answer, 'utf8')));
    return new Map(targets.map(({ name }) => [name, found[name]?.['containerimage.digest']]));
  } catch {
    // One that BuildKit refuses ends all of them: found by halves.
    if (targets.length === 1) return new Map();
    const half = Math.ceil(targets.length / 2);
    const first = await digestsOf(targets.slice(0, half));
    return new Map([...first, ...(await digestsOf(targets.slice(half)))]);
  }
}

async function keysOf(targets: readonly Target[]): Promise<Map<string, string | undefined>> {
  const client = createRegistry({ plainHttp: [], patience: 10_000, signal: never, login: async () => undefined });
  const keys = new Map<string, string | undefined>();
  for (const { name, at, build } of targets) {
    const facts = {
      target: undefined,
      platforms: ['linux/amd64'],
      buildArgs: build.buildArgs,
      secretIds: [],
      ssh: [],
      labels: {},
      annotations: [],
      builderKind: 'buildx' as const,
      provenance: 'false',
      sbom: 'false',
      signature: 'none',
    };
    const order = { context: await findContext(at, '.'), facts, createdAt: 1_000 };
    keys.set(name, await keyOf(order, { registry: client, policy: { signal: never }, emit: () => undefined }));
  }
  await client.close();
  return keys;
}

interface Seen {
  readonly test: TestCase;
  readonly digests: readonly [string | undefined, string | undefined];
  readonly keys: readonly [string | undefined, string | undefined];
}

async function compare(cases: readonly TestCase[], from: number): Promise<Seen[]> {
  const [before, after] = (['before', 'after'] as const).map((side) =>
    cases.map((test, index): Target => {
      const name = `c${from + index}-${side}`;
      return { name, at: join(folder, name), build: test[side] };
    }),
  );
  if (!before || !after) return [];
  await publish(sources.moves.moving, `before ${from}`);
  served = `before ${from}`;
  for (const { at, build } of before) await writeContext(at, build, false);
  const [keysBefore, digestsBefore] = [await keysOf(before), await digestsOf(before)];
  await publish(sources.moves.moving, `after ${from}`);
  served = `after ${from}`;
  for (const [index, { at, build }] of after.entries()) await writeContext(at, build, cases[index]?.touch ?? false);
  const [keysAfter, digestsAfter] = [await keysOf(after), await digestsOf(after)];
  await Promise.all([...before, ...after].map(({ at }) => rm(at, { recursive: true, force: true })));
  return cases.map((test, index) => {
    const [one, other] = [before[index]?.name ?? '', after[index]?.name ?? ''];
    return {
      test,
      digests: [digestsBefore.get(one), digestsAfter.get(other)],
      keys: [keysBefore.get(one), keysAfter.get(other)],
    };
  });
}

it(
  `where BuildKit makes another image, the key is another one: ${CASES} builds`,
  async () => {
    const cases = fc.sample(testCase(sources), { numRuns: CASES, seed: SEED });
    const seen: Seen[] = [];
    for (let from = 0; from < cases.length; from += BATCH) {
      seen.push(...(await compare(cases.slice(from, from + BATCH), from)));
    }
    const built = seen.filter(({ digests }) => !digests.includes(undefined));
    const differing = built.filter(({ digests: [one, other] }) => one !== other);
    const same = ({ keys: [one, other] }: Seen) => one !== undefined && one === other;
    const unchanged = built.filter(({ test: { change } }) => change === 'nothing' || change === 'touch');
    const reused = unchanged.filter(same);
    const skips = differing.filter(same);
    console.log(
      `seed ${SEED}: ${seen.length} cases, ${built.length} built, ${differing.length} differ, ${skips.length} false skips; ` +
        `${reused.length} of ${unchanged.length} unchanged ones reused`,
    );
    expect(skips.map(({ test }) => test)).toEqual([]);
    expect(built.length).toBeGreaterThan(seen.length / 2);
    // Images that change nothing are the same ones: the oracle sees nothing but what is asked of it.
    expect(unchanged.filter(({ digests: [one, other] }) => one !== other).map(({ test }) => test)).toEqual([]);
    expect(reused.length).toBeGreaterThanOrEqual(0.95 * unchanged.length);
  },
  CASES * 5_000 + 120_000,
);
