import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startToxiproxy, type Toxiproxy } from '../cluster/toxiproxy.ts';
import {
  build,
  endOrphans,
  isSigned,
  login,
  makeContext,
  makeCosignKey,
  outerAddress,
  prepare,
  setUpBuilder,
  startBuild,
  startBuildKit,
  startRegistry,
  startUntrusted,
  type TestRegistry,
} from './lab.ts';

type BuildKit = Awaited<ReturnType<typeof startBuildKit>>;

let registry: TestRegistry;
let buildkit: BuildKit;
const made: string[] = [];
let count = 0;

beforeAll(async () => {
  await prepare();
  [registry, buildkit] = await Promise.all([startRegistry(), startBuildKit()]);
}, 900_000);

afterAll(async () => {
  await Promise.all([registry?.stop(), buildkit?.stop()]);
});

afterEach(async () => {
  await Promise.all(made.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

const plain = 'FROM scratch\nCOPY tool message /\n';

async function context(dockerfile: string, files?: Readonly<Record<string, string>>): Promise<string> {
  const folder = await makeContext(dockerfile, files);
  made.push(folder);
  return folder;
}

/** A repository of its own for each test. */
function repository(host = registry.host) {
  count += 1;
  return { path: `acme/image-${count}`, name: `${host}/acme/image-${count}` };
}

/** Proves what was built here, for tests of what is reused. */
const reuse = { 'reuse-secret': 'the secret of these tests' };

const inputs = (more: Readonly<Record<string, string>>) => ({
  'buildkit-address': buildkit.address,
  // The scanner that docker publishes can't be had everywhere; there is one test with one of our own.
  sbom: 'false',
  ...more,
});

describe('build and push', () => {
  it('pushes to every repository under every tag, with provenance of what was built', async () => {
    const [one, other] = [repository(), repository()];
    const folder = await context(plain, { message: 'hello' });
    const { status, outputs, summary, log } = await build(
      inputs({
        context: folder,
        image: `${one.name}\n${other.name}`,
        tags: 'semver, sha',
        labels: 'com.acme.team=shop',
      }),
      { GITHUB_REF: 'refs/tags/v1.2.3' },
    );
    expect(status, log).toBe(0);
    const wanted = ['1', '1.2', '1.2.3', 'latest', 'sha-1a2b3c4'];
    expect(await registry.tags(one.path)).toEqual([...wanted, outputs['content-key']]);
    for (const { path } of [one, other])
      for (const tag of [...wanted, outputs['content-key'] ?? ''])
        expect(await registry.digest(path, tag)).toBe(outputs.digest);
    expect(outputs).toMatchObject({
      image: `${one.name}@${outputs.digest}`,
      platforms: 'linux/amd64',
      version: '1.2.3',
      skipped: 'false',
      provenance: 'true',
      sbom: 'false',
    });
    expect(outputs.tags?.split('\n')).toHaveLength(2 * wanted.length);
    const index = await registry.json(`${one.path}/manifests/1.2.3`);
    expect(index).toMatchObject({
      annotations: { 'org.opencontainers.image.revision': '1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d' },
    });
    const config = (await registry.contents()).map(String).find((blob) => /com\.acme\.team.*rootfs/.test(blob));
    expect(JSON.parse(config ?? '{}')).toMatchObject({
      created: '2026-01-01T00:00:00Z',
      config: {
        Labels: {
          'com.acme.team': 'shop',
          'org.opencontainers.image.source': 'https://github.com/acme/shop',
          'org.opencontainers.image.version': '1.2.3',
          'org.opencontainers.image.created': '2026-01-01T00:00:00.000Z',
        },
      },
    });
    expect(summary).toContain(outputs.digest);
  });

  it('builds for several platforms, each with its provenance', async () => {
    const { path, name } = repository();
    const folder = await context('FROM scratch\nCOPY message /\n', { message: 'everywhere' });
    const platforms = 'linux/amd64, linux/arm64, linux/arm/v7';
    const { status, outputs, log } = await build(inputs({ context: folder, image: name, tags: 'latest', platforms }));
    expect(status, log).toBe(0);
    expect(outputs).toMatchObject({ platforms: 'linux/amd64,linux/arm64,linux/arm/v7', provenance: 'true' });
    expect(await registry.json(`${path}/manifests/latest`)).toMatchObject({ manifests: { length: 6 } });
  });

  it.each([
    ['the current one', {}],
    ['the one that is named', { builder: 'set-up' }],
  ])('uses a builder that an earlier step has set up, and leaves it: %s', async (_, given) => {
    const config = await mkdtemp(join(tmpdir(), 'sluice-buildx-'));
    made.push(config);
    await setUpBuilder('set-up', buildkit.address, config);
    const { path, name } = repository();
    const folder = await context(plain, { message: 'set up' });
    const { status, outputs, log } = await build(
      { context: folder, image: name, tags: 'latest', sbom: 'false', ...given },
      { BUILDX_CONFIG: config },
    );
    expect(status, log).toBe(0);
    expect(await registry.digest(path, 'latest')).toBe(outputs.digest);
    expect(log).not.toContain('Removed builder');
  });

  it('attaches the SBOM that a scanner gives', async () => {
    const scanner = repository();
    const scannerFolder = await context('FROM scratch\nCOPY tool /tool\nENTRYPOINT ["/tool"]\n');
    const scannerBuild = await build(inputs({ context: scannerFolder, image: scanner.name, tags: 'latest' }));
    expect(scannerBuild.status, scannerBuild.log).toBe(0);
    const image = repository();
    const folder = await context(plain, { message: 'scanned' });
    const { status, outputs, log } = await build(
      inputs({ context: folder, image: image.name, tags: 'latest', sbom: `generator=${scanner.name}:latest` }),
    );
    expect(status, log).toBe(0);
    expect(outputs).toMatchObject({ sbom: 'true', provenance: 'true' });
    expect((await registry.contents()).some((blob) => blob.includes('SPDXRef-DOCUMENT'))).toBe(true);
  });

  it('leaves no secret in a layer, the log, the summary, or on the disk, also where a step prints it', async () => {
    const { path, name } = repository();
    const folder = await context(
      'FROM scratch\nCOPY tool /\nRUN --mount=type=secret,id=npm ["/tool", "secret", "npm"]\nCOPY message /\n',
      { message: 'hello' },
    );
    const secret = 'npm_s3cr3t-Zq81';
    const { status, outputs, summary, log, left } = await build(
      inputs({ context: folder, image: name, tags: 'latest', secrets: `npm=${secret}` }),
    );
    expect(status, log).toBe(0);
    expect(log).toContain('the secret has 15 bytes: ***');
    expect(await registry.digest(path, 'latest')).toBe(outputs.digest);
    const stored = await registry.contents();
    expect(stored.some((blob) => blob.includes('SPDX-2.3'))).toBe(true);
    expect(stored.some((blob) => blob.includes(secret))).toBe(false);
    // What masks it is the only place that names it.
    expect(log.replaceAll(/^::add-mask::.*$/gm, '')).not.toContain(secret);
    expect(summary + JSON.stringify(outputs)).not.toContain(secret);
    expect(left.filter((file) => file.includes('sluice-build-'))).toEqual([]);
  });
});

describe('what is asked for besides a push', () => {
  it('dry-run: says what would be done, and changes nothing', async () => {
    const { path, name } = repository();
    const folder = await context(plain, { message: 'dry' });
    const { status, outputs, summary } = await build(
      inputs({ context: folder, image: name, tags: 'latest', 'dry-run': 'true' }),
    );
    expect(status).toBe(0);
    expect(outputs).toMatchObject({ image: '', digest: '', skipped: 'false' });
    expect(summary).toContain('It would be built. Nothing was changed.');
    expect(summary).toContain(`${name}:latest`);
    expect(await registry.tags(path)).toEqual([]);
  });

  it('push: false builds, and needs no registry', async () => {
    const folder = await context('FROM scratch\nCOPY tool /\nRUN ["/tool", "fail"]\n');
    const broken = await build(inputs({ context: folder, push: 'false' }));
    expect(broken.status).toBe(1);
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY tool /\n');
    const { status, outputs, log } = await build(inputs({ context: folder, push: 'false' }));
    expect(status, log).toBe(0);
    expect(outputs).toMatchObject({ image: '', tags: '' });
  });

  it('cache: registry keeps the steps for another builder', async () => {
    const { name } = repository();
    const folder = await context('FROM scratch\nCOPY tool /\nRUN ["/tool"]\nCOPY message /\n', { message: 'cached' });
    const given = inputs({ context: folder, image: name, tags: 'latest', cache: 'registry', reuse: 'false' });
    expect((await build(given)).status).toBe(0);
    const other = await startBuildKit();
    try {
      const { status, log } = await build({ ...given, 'buildkit-address': other.address });
      expect(status, log).toBe(0);
      expect(log).toMatch(/RUN \["\/tool"\] \(from the cache\)/);
    } finally {
      await other.stop();
    }
  });
});

describe('a signature', () => {
  it('is there before the first tag, and without one there is no tag', async () => {
    const { path, name } = repository();
    const keys = await mkdtemp(join(tmpdir(), 'sluice-keys-'));
    made.push(keys);
    const { key, config } = await makeCosignKey(keys, 'Tr0ub4dor');
    const folder = await context(plain, { message: 'signed' });
    const given = inputs({
      context: folder,
      image: name,
      tags: 'latest',
      sign: 'key',
      'cosign-key': key,
      'cosign-signing-config': config,
    });
    const refused = await build({ ...given, 'cosign-password': 'wrong' });
    expect(refused.status).toBe(1);
    expect(refused.log).toContain('Check "cosign-key" and "cosign-password"');
    // Those of signatures apart, which are named by the digests.
    expect((await registry.tags(path)).filter((tag) => !tag.startsWith('sha256-'))).toEqual([]);

    const { status, outputs, log } = await build({ ...given, 'cosign-password': 'Tr0ub4dor' });
    expect(status, log).toBe(0);
    expect(outputs.signed).toBe('true');
    expect(await isSigned(outputs.image ?? '', keys)).toBe(true);
    expect(await registry.digest(path, 'latest')).toBe(outputs.digest);
    expect(log.replaceAll(/^::add-mask::.*$/gm, '')).not.toContain('Tr0ub4dor');
  });

  it('proves what was built here, of this content and by who has the key', async () => {
    const { path, name } = repository();
    const keys = await mkdtemp(join(tmpdir(), 'sluice-keys-'));
    made.push(keys);
    const { key, config } = await makeCosignKey(keys, 'Tr0ub4dor');
    const signing = { sign: 'key', 'cosign-key': key, 'cosign-signing-config': config, 'cosign-password': 'Tr0ub4dor' };
    const [foreign, folder] = [
      await context(plain, { message: 'of a branch' }),
      await context(plain, { message: 'ours' }),
    ];
    const given = inputs({ context: folder, image: name, ...signing });
    const first = await build({ ...given, tags: 'one' });
    const again = await build({ ...given, tags: 'two' });
    expect(again.outputs, again.log).toMatchObject({ skipped: 'true', digest: first.outputs.digest });
    const pushed = await build(inputs({ context: foreign, image: name, tags: `raw=${first.outputs['content-key']}` }));
    expect(pushed.status, pushed.log).toBe(0);
    const anew = await build({ ...given, tags: 'three' });
    expect(anew.outputs, anew.log).toMatchObject({ skipped: 'false', 'content-key': first.outputs['content-key'] });
    expect(await registry.digest(path, 'three')).not.toBe(pushed.outputs.digest);
  });
});

describe('content that is in the registry already', () => {
  it('is not built again, and gets the new tags', async () => {
    const { path, name } = repository();
    const folder = await context(plain, { message: 'same' });
    const first = await build(inputs({ context: folder, image: name, tags: 'sha', ...reuse }));
    expect(first.status, first.log).toBe(0);
    // Neither buildx nor any other program can be found, and none is looked for.
    const second = await build(inputs({ context: folder, image: name, tags: 'sha, raw=again', ...reuse }), {
      GITHUB_SHA: 'ffffffffffffffffffffffffffffffffffffffff',
      PATH: '/nowhere',
    });
    expect(second.status, second.log).toBe(0);
    expect(second.outputs).toMatchObject({ skipped: 'true', digest: first.outputs.digest, provenance: 'true' });
    expect(second.summary).toContain('Unchanged');
    for (const tag of ['sha-1a2b3c4', 'sha-fffffff', 'again'])
      expect(await registry.digest(path, tag)).toBe(first.outputs.digest);
  });

  it('is another content when a file, an argument or the base has changed', async () => {
    const base = repository();
    const baseFolder = await context(plain, { message: 'base 1' });
    await build(inputs({ context: baseFolder, image: base.name, tags: 'latest' }));
    const { name } = repository();
    const folder = await context(`FROM ${base.name}\nARG WHO\nCOPY message /more\n`, { message: 'one' });
    const again = (more: Readonly<Record<string, string>> = {}) =>
      build(inputs({ context: folder, image: name, tags: 'latest', ...reuse, ...more }));
    const digests = [(await again()).outputs.digest];
    expect((await again()).outputs.skipped).toBe('true');

    await writeFile(join(folder, 'message'), 'two');
    digests.push((await again()).outputs.digest);
    digests.push((await again({ 'build-args': 'WHO=me' })).outputs.digest);
    await writeFile(join(baseFolder, 'message'), 'base 2');
    await build(inputs({ context: baseFolder, image: base.name, tags: 'latest' }));
    const moved = await again();
    expect(moved.outputs.skipped).toBe('false');
    digests.push(moved.outputs.digest);
    expect(new Set(digests).size).toBe(4);
  });

  it('completes a run that ended between its tags', async () => {
    const { path, name } = repository();
    const folder = await context(plain, { message: 'half' });
    const first = await build(inputs({ context: folder, image: name, tags: 'raw=one', ...reuse }));
    const second = await build(inputs({ context: folder, image: name, tags: 'raw=one, raw=two', ...reuse }));
    expect(second.outputs).toMatchObject({ skipped: 'true', digest: first.outputs.digest });
    const key = first.outputs['content-key'] ?? '';
    const seal = expect.stringMatching(new RegExp(`^${key}-[0-9a-f]{40}$`));
    expect(await registry.tags(path)).toEqual(['one', key, seal, 'two']);
  });

  it('is built where nothing proves that it was built here, whatever its tag says', async () => {
    const { path, name } = repository();
    const foreign = await context(plain, { message: 'pushed by a branch' });
    const folder = await context(plain, { message: 'reviewed' });
    const given = inputs({ context: folder, image: name, tags: 'latest' });
    const key = (await build({ ...given, 'dry-run': 'true' })).outputs['content-key'];
    const pushed = await build(inputs({ context: foreign, image: name, tags: `raw=${key}` }));
    for (const more of [{}, reuse]) {
      const { outputs, log } = await build({ ...given, ...more });
      expect(outputs, log).toMatchObject({ skipped: 'false', 'content-key': key });
      expect(await registry.digest(path, 'latest')).not.toBe(pushed.outputs.digest);
      await build(inputs({ context: foreign, image: name, tags: `raw=${key}` }));
    }
  });
});

describe('tags that must not move', () => {
  it('are refused before anything is built, and stay', async () => {
    const { path, name } = repository();
    const folder = await context(plain, { message: 'v1' });
    const release = { GITHUB_REF: 'refs/tags/v1.0.0' };
    const first = await build(inputs({ context: folder, image: name, tags: 'semver' }), release);
    await writeFile(join(folder, 'message'), 'changed');
    const { status, log, summary } = await build(inputs({ context: folder, image: name, tags: 'semver' }), release);
    expect(status).toBe(1);
    expect(log).toContain(`tag ${name}:1.0.0: is immutable and names ${first.outputs.digest} already`);
    expect(log).not.toContain('Build with');
    expect(summary).toContain('No image');
    expect(await registry.digest(path, '1.0.0')).toBe(first.outputs.digest);
  });

  it('leave the lines of newer versions where they are', async () => {
    const { path, name } = repository();
    const folder = await context(plain, { message: 'v2' });
    const newer = await build(inputs({ context: folder, image: name, tags: 'semver' }), {
      GITHUB_REF: 'refs/tags/v2.1.0',
    });
    await writeFile(join(folder, 'message'), 'v1 with a fix');
    const older = await build(inputs({ context: folder, image: name, tags: 'semver' }), {
      GITHUB_REF: 'refs/tags/v1.9.9',
    });
    expect(older.log).toContain('latest stays where it is: 2.1.0 is newer.');
    expect(await registry.digest(path, 'latest')).toBe(newer.outputs.digest);
    expect(await registry.digest(path, '1')).toBe(older.outputs.digest);
  });
});

describe('a registry that asks for a login', () => {
  let closed: TestRegistry;
  beforeAll(async () => {
    closed = await startRegistry({ asksForLogin: true });
  });
  afterAll(() => closed?.stop());

  it('gets that of the inputs, of which nothing is left', async () => {
    const { path, name } = repository(closed.host);
    const folder = await context(plain, { message: 'login' });
    const { status, outputs, log, left } = await build(
      inputs({ context: folder, image: name, tags: 'latest', ...login }),
    );
    expect(status, log).toBe(0);
    expect(await closed.digest(path, 'latest')).toBe(outputs.digest);
    expect(left.filter((file) => /config\.json|sluice-build-/.test(file))).toEqual([]);
    expect(log.replaceAll(/^::add-mask::.*$/gm, '')).not.toContain(login.password);
  });

  it.each([
    ['none', {}, 'There are no credentials for this registry'],
    ['a wrong one', { ...login, password: 'wrong-horse' }, 'Give the credentials the right to push'],
  ])('refuses %s before anything is built, and the error says so', async (_, given, next) => {
    const { path, name } = repository(closed.host);
    const folder = await context(plain, { message: 'login' });
    const { status, log } = await build(inputs({ context: folder, image: name, tags: 'latest', ...given }));
    expect(status).toBe(1);
    expect(log).toContain('HTTP 401');
    expect(log).toContain(next);
    expect(log).not.toContain('Build with');
    expect(await closed.tags(path)).toEqual([]);
  });
});

describe('a registry without TLS that is named', () => {
  let insecure: TestRegistry;
  beforeAll(async () => {
    insecure = await startRegistry({ address: outerAddress() });
  });
  afterAll(() => insecure?.stop());

  const byBuildah = { 'builder-kind': 'buildah', tags: 'latest' };
  const env = { BUILDAH_ISOLATION: 'chroot', STORAGE_DRIVER: 'vfs' };

  it('gets the same image as those of this machine', async () => {
    const [one, other] = [repository(), repository(insecure.host)];
    const folder = await context(plain, { message: 'both' });
    const { status, outputs, log } = await build(
      inputs({
        context: folder,
        image: `${one.name}\n${other.name}`,
        tags: 'latest',
        'insecure-registries': insecure.host,
      }),
    );
    expect(status, log).toBe(0);
    expect(await registry.digest(one.path, 'latest')).toBe(outputs.digest);
    expect(await insecure.digest(other.path, 'latest')).toBe(outputs.digest);
  });

  it('gives buildah a base image, and another one without a trusted certificate does not', async () => {
    const base = repository(insecure.host);
    const first = await context(plain, { message: 'base' });
    const given = { 'insecure-registries': insecure.host, ...byBuildah };
    const pushed = await build({ context: first, image: base.name, ...given }, env);
    expect(pushed.status, pushed.log).toBe(0);
    const trusting = await context(`FROM ${base.name}:latest\nCOPY message /other\n`, { message: 'on top' });
    const built = await build({ context: trusting, image: repository(insecure.host).name, ...given }, env);
    expect(built.status, built.log).toBe(0);

    const untrusted = await startUntrusted(insecure.host);
    try {
      const dockerfile = `FROM ${untrusted.host}/${base.path}:latest\nCOPY message /other\n`;
      const folder = await context(dockerfile, { message: 'on top' });
      const { status, log } = await build({ context: folder, image: repository(insecure.host).name, ...given }, env);
      expect(status, log).toBe(1);
      expect(log).toContain('x509: certificate signed by unknown authority');
    } finally {
      await untrusted.stop();
    }
  });
});

describe('what goes wrong', () => {
  let toxiproxy: Toxiproxy;
  beforeAll(async () => {
    toxiproxy = await startToxiproxy();
  }, 300_000);
  afterAll(() => toxiproxy?.stop());

  it('a registry that is down or slow: one error that names it, and no build', async () => {
    const proxy = await toxiproxy.proxyTo(`http://${registry.host}`);
    const { path, name } = repository(proxy.host);
    const folder = await context(plain, { message: 'down' });
    const given = inputs({ context: folder, image: name, tags: 'latest', 'registry-timeout': '2s' });
    await proxy.cut();
    const down = await build(given);
    expect(down.status).toBe(1);
    expect(down.log).toContain(`registry ${proxy.host}: did not answer`);
    expect(down.log).toContain('ECONNREFUSED');
    await proxy.join();
    await proxy.harm({ type: 'latency', latency: 30_000, jitter: 0 });
    const slow = await build(given);
    expect(slow.status).toBe(1);
    expect(slow.log).toContain(`registry ${proxy.host}: did not answer`);
    await proxy.heal();
    expect(await registry.tags(path)).toEqual([]);
    expect((await build(given)).status).toBe(0);
  });

  it('a step that fails: its name and its last lines', async () => {
    const { path, name } = repository();
    const folder = await context('FROM scratch\nCOPY tool /\nRUN ["/tool", "fail"]\n');
    const { status, log, summary } = await build(inputs({ context: folder, image: name, tags: 'latest' }));
    expect(status).toBe(1);
    const error = /^::error.*$/m.exec(log)?.[0] ?? '';
    expect(error).toContain('RUN ["/tool", "fail"]');
    expect(error).toContain('exit code: 3');
    expect(error).toContain('compiling 39');
    expect(error).not.toContain('compiling 12');
    expect(summary).toContain('compiling 39');
    expect(await registry.tags(path)).toEqual([]);
  });

  it('a disk that is full: said as that', async () => {
    const small = await startBuildKit({ space: '48m' });
    try {
      const { path, name } = repository();
      const folder = await context('FROM scratch\nCOPY tool /\nRUN ["/tool", "fill"]\n');
      const { status, log } = await build({
        ...inputs({ context: folder, image: name, tags: 'latest' }),
        'buildkit-address': small.address,
      });
      expect(status).toBe(1);
      expect(log).toContain('The disk of the builder is full');
      expect(await registry.tags(path)).toEqual([]);
    } finally {
      await small.stop();
    }
  });

  it('no Dockerfile, and a base that does not exist', async () => {
    const { name } = repository();
    const folder = await context(plain, { message: '', 'Dockerfile.prod': plain });
    await rm(join(folder, 'Dockerfile'));
    const missing = await build(inputs({ context: folder, image: name, tags: 'latest' }));
    expect(missing.log).toContain('The context has Dockerfile.prod');
    const baseless = await context(`FROM ${registry.host}/acme/none:1\n`);
    const { status, log } = await build(inputs({ context: baseless, image: name, tags: 'latest' }));
    expect(status).toBe(1);
    expect(log).toContain('The base image does not exist');
  });

  it.each([
    ['cancelled', 'SIGINT'],
    ['killed', 'SIGKILL'],
  ] as const)('a build that is %s: no tag, no secret and no builder is left', async (_, signal) => {
    const { path, name } = repository();
    const folder = await context('FROM scratch\nCOPY tool /\nRUN --mount=type=secret,id=npm ["/tool", "sleep"]\n');
    const { promise: reached, resolve: asleep } = Promise.withResolvers<void>();
    const started = await startBuild(
      inputs({ context: folder, image: name, tags: 'latest', secrets: 'npm=npm_s3cr3t-Zq81', ...login }),
      { onOutput: (text) => text.includes('asleep') && asleep() },
    );
    try {
      await Promise.race([reached, started.ended]);
      const config = join(started.workspace, 'sluice-build-1-1-release', 'docker/config.json');
      expect(await readFile(config, 'utf8'), started.printed()).toContain(registry.host);
      started.main.kill(signal);
      const { log } = await started.ended;
      await endOrphans(started.workspace);
      if (signal === 'SIGINT') expect(log).toContain('was asked to stop');
      await expect(readFile(config, 'utf8')).rejects.toThrow('ENOENT');
      expect(log).toContain('Removed builder');
      expect(await registry.tags(path)).toEqual([]);
    } finally {
      await started.clean();
    }
  });
});

describe('buildah', () => {
  it('builds and pushes the same, without a daemon', async () => {
    const { path, name } = repository();
    const folder = await context(
      'FROM scratch\nCOPY tool /\nRUN --mount=type=secret,id=npm ["/tool", "secret", "npm"]\nCOPY message /\n',
      { message: 'by buildah' },
    );
    const given = {
      context: folder,
      image: name,
      tags: 'semver',
      'builder-kind': 'buildah',
      secrets: 'npm=npm_s3cr3t-Zq82',
      ...reuse,
    };
    const env = { GITHUB_REF: 'refs/tags/v3.0.0', BUILDAH_ISOLATION: 'chroot', STORAGE_DRIVER: 'vfs' };
    const { status, outputs, log } = await build(given, env);
    expect(status, log).toBe(0);
    expect(outputs).toMatchObject({
      version: '3.0.0',
      skipped: 'false',
      provenance: 'false',
      platforms: 'linux/amd64',
    });
    expect(await registry.digest(path, '3.0.0')).toBe(outputs.digest);
    expect((await registry.contents()).some((blob) => blob.includes('npm_s3cr3t-Zq82'))).toBe(false);
    expect((await build(given, env)).outputs.skipped).toBe('true');
  });

  it('shows the last lines of a step that fails', async () => {
    const { name } = repository();
    const folder = await context('FROM scratch\nCOPY tool /\nRUN ["/tool", "fail"]\n');
    const { status, log } = await build(
      { context: folder, image: name, tags: 'latest', 'builder-kind': 'buildah' },
      { BUILDAH_ISOLATION: 'chroot', STORAGE_DRIVER: 'vfs' },
    );
    expect(status).toBe(1);
    const error = /^::error.*$/m.exec(log)?.[0] ?? '';
    expect(error).toContain('RUN ["/tool", "fail"]');
    expect(error).toContain('compiling 39');
  });
});
