// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles have such placeholders
import { chmod, link, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ContentFacts, contentKey } from '../../../src/images/content-key.ts';
import { findContext, hashContext } from '../../../src/images/context.ts';
import { outsideOf } from '../../../src/images/dockerfile.ts';
import { ociLabels } from '../../../src/images/labels.ts';

const facts: ContentFacts = {
  context: 'abc',
  dockerfile: 'FROM scratch',
  target: undefined,
  platforms: ['linux/amd64'],
  buildArgs: { A: '1', B: '2' },
  secretIds: ['npm'],
  labels: {},
  annotations: [],
  bases: {},
  builderKind: 'buildx',
  provenance: 'mode=max',
  sbom: 'true',
  signature: 'none',
  ssh: [],
  epoch: undefined,
};

describe('contentKey', () => {
  it('is a tag, and the same in whatever order things stand', () => {
    expect(contentKey(facts)).toMatch(/^sluice-[0-9a-f]{40}$/);
    expect(contentKey({ ...facts, buildArgs: { B: '2', A: '1' } })).toBe(contentKey(facts));
  });

  it('differs with every fact', () => {
    const changes: Partial<ContentFacts>[] = [
      { context: 'abd' },
      { dockerfile: 'FROM scratch\n' },
      { target: 'production' },
      { platforms: ['linux/arm64'] },
      { buildArgs: { A: '12', B: '' } },
      { buildArgs: { A: '1' } },
      { secretIds: [] },
      { labels: { a: 'b' } },
      { annotations: ['a=b'] },
      { bases: { alpine: 'sha256:1' } },
      { builderKind: 'buildah' },
      { provenance: 'false' },
      { sbom: 'false' },
      { signature: 'keyless' },
      { ssh: ['default'] },
      { epoch: 1 },
    ];
    const keys = [facts, ...changes.map((change) => ({ ...facts, ...change }))].map(contentKey);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('tells arguments apart that look alike when they are joined', () => {
    const named = fc.dictionary(fc.string(), fc.string());
    fc.assert(
      fc.property(named, named, (one, other) => {
        const same = contentKey({ ...facts, buildArgs: one }) === contentKey({ ...facts, buildArgs: other });
        expect(same).toBe(
          JSON.stringify(Object.entries(one).toSorted()) === JSON.stringify(Object.entries(other).toSorted()),
        );
      }),
    );
  });
});

describe('hashContext', () => {
  const never = new AbortController().signal;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-context-'));
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY . /\n');
    await mkdir(join(folder, 'src'));
    await writeFile(join(folder, 'src/main.go'), 'package main');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const hash = async () => (await hashContext(await findContext(folder, '.'), never)).hash;

  it('does not see when files were written, nor what .dockerignore leaves out', async () => {
    await writeFile(join(folder, '.dockerignore'), '# comment\nnode_modules\n**/*.log\n!keep.log\n');
    const before = await hash();
    await utimes(join(folder, 'src/main.go'), 1, 1);
    await mkdir(join(folder, 'node_modules'));
    await writeFile(join(folder, 'node_modules/left-pad.js'), 'x');
    await writeFile(join(folder, 'src/debug.log'), 'x');
    expect(await hash()).toBe(before);
    await writeFile(join(folder, 'keep.log'), 'x');
    expect(await hash()).not.toBe(before);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['content', () => writeFile(join(folder, 'src/main.go'), 'package mian')],
    ['a new file', () => writeFile(join(folder, 'src/more.go'), '')],
    ['an empty folder', () => mkdir(join(folder, 'data'))],
    ['the right to execute', () => chmod(join(folder, 'src/main.go'), 0o755)],
    ['a link', () => symlink('src/main.go', join(folder, 'link'))],
    ['who may read', () => chmod(join(folder, 'src/main.go'), 0o640)],
    ['setuid', () => chmod(join(folder, 'src/main.go'), 0o4644)],
    ['who may enter a folder', () => chmod(join(folder, 'src'), 0o700)],
    ['a second name of a file', () => link(join(folder, 'src/main.go'), join(folder, 'main.go'))],
  ])('sees %s', async (_, change) => {
    const before = await hash();
    await change();
    expect(await hash()).not.toBe(before);
  });

  it('tells two names of one file from two files', async () => {
    await writeFile(join(folder, 'src/copy.go'), 'package main');
    const copied = await hash();
    await rm(join(folder, 'src/copy.go'));
    await link(join(folder, 'src/main.go'), join(folder, 'src/copy.go'));
    expect(await hash()).not.toBe(copied);
  });

  it('sees the mode of a folder that is ignored but for what is in it', async () => {
    await writeFile(join(folder, '.dockerignore'), 'src\n!src/main.go\n');
    const before = await hash();
    await chmod(join(folder, 'src'), 0o700);
    expect(await hash()).not.toBe(before);
  });

  it.each<[string, Readonly<Record<string, string>>, 'buildx' | 'buildah', string]>([
    ['a capital', { '.dockerignore': 'build\n' }, 'buildx', 'BUILD'],
    ['a plus', { '.dockerignore': 'a+b.txt\n' }, 'buildx', 'aab.txt'],
    [
      'a file that buildah does not read',
      { '.containerignore': 'docs\n', '.dockerignore': 'docs\ndata\n' },
      'buildah',
      'data',
    ],
  ])('sees what %s keeps in the context', async (_, ignore, kind, name) => {
    for (const [at, text] of Object.entries(ignore)) await writeFile(join(folder, at), text);
    const of = async () => (await hashContext(await findContext(folder, '.'), never, kind)).hash;
    await writeFile(join(folder, name), '1');
    const before = await of();
    await writeFile(join(folder, name), '2');
    expect(await of()).not.toBe(before);
  });

  it('does not know what is neither file, folder nor link, nor a pattern that it can’t read', async () => {
    await writeFile(join(folder, '.dockerignore'), '[\n');
    expect((await hashContext(await findContext(folder, '.'), never)).unknown).toHaveLength(1);
    await rm(join(folder, '.dockerignore'));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve));
    const { unknown } = await hashContext(await findContext(folder, '.'), never);
    await new Promise((resolve) => server.close(resolve));
    expect(unknown).toEqual([expect.stringContaining('socket')]);
  });

  it('reads a context and a Dockerfile outside of the workspace, as docker does, and other usual names', async () => {
    await rm(join(folder, 'Dockerfile'));
    await writeFile(join(folder, 'Containerfile'), 'FROM scratch\n');
    const workspace = join(folder, 'src');
    expect(await findContext(workspace, '..')).toMatchObject({ folder, file: join(folder, 'Containerfile') });
    expect(await findContext(workspace, '.', '../Containerfile')).toMatchObject({ dockerfile: 'FROM scratch\n' });
    expect(await findContext(workspace, '.', join(folder, 'Containerfile'))).toMatchObject({ folder: workspace });
  });

  it('tells that .git is in the context, and sees every change in it', async () => {
    await mkdir(join(folder, '.git/refs/tags'), { recursive: true });
    await writeFile(join(folder, '.git/HEAD'), `${'1'.repeat(40)}\n`);
    const before = await hashContext(await findContext(folder, '.'), never);
    expect(before.withGit).toBe(true);
    await writeFile(join(folder, '.git/refs/tags/v1.2.3'), `${'1'.repeat(40)}\n`);
    expect(await hash()).not.toBe(before.hash);
    await writeFile(join(folder, '.dockerignore'), '.git\n');
    expect((await hashContext(await findContext(folder, '.'), never)).withGit).toBe(false);
  });
});

describe('outsideOf', () => {
  it.each([
    ['FROM scratch\n', {}, []],
    ['FROM alpine:3.20\nRUN x\n', {}, ['alpine:3.20']],
    ['ARG V=3.20\nFROM alpine:${V} AS base\nFROM base\n', {}, ['alpine:3.20']],
    ['ARG V=3.20\nFROM alpine:$V\n', { V: '3.21' }, ['alpine:3.21']],
    ['ARG V\nFROM alpine:${V:-3.19}\n', {}, ['alpine:3.19']],
    [
      'FROM --platform=$BUILDPLATFORM golang:1.26 AS build\nFROM scratch\nCOPY --from=build /a /a\n',
      {},
      ['golang:1.26'],
    ],
    ['FROM scratch\nCOPY --from=ghcr.io/acme/tools:1 /a /a\nCOPY --from=0 /b /b\n', {}, ['ghcr.io/acme/tools:1']],
    ['# syntax=docker/dockerfile:1\nFROM scratch\n', {}, ['docker/dockerfile:1']],
    ['FROM a AS one\nRUN --mount=type=bind,from=tools:2,target=/t \\\n  /t/x\n', {}, ['a', 'tools:2']],
    // A stage that has the name of the image it comes from.
    ['FROM alpine AS alpine\nFROM alpine\n', {}, ['alpine']],
  ])('%j with %j', (dockerfile, args, images) => {
    expect(outsideOf(dockerfile, args)).toEqual({ images, unknown: [] });
  });

  it.each([
    'ARG V\nFROM alpine:$V\n',
    'FROM scratch\nADD https://example.com/a.tgz /\n',
    'FROM scratch\nADD ["https://example.com/a.tgz", "/"]\n',
    'FROM scratch\nADD git@github.com:acme/shop.git /shop\n',
  ])('says what can’t be known of %j', (dockerfile) => {
    expect(outsideOf(dockerfile, {}).unknown).toHaveLength(1);
  });

  it('trusts a download with a checksum', () => {
    expect(outsideOf('FROM scratch\nADD --checksum=sha256:0f https://example.com/a /a\n', {}).unknown).toEqual([]);
  });
});

describe('ociLabels', () => {
  it('says what is known, and nothing of when it was built', () => {
    const source = { url: 'https://github.com/acme/shop', revision: 'abc', createdAt: 0, title: 'shop' };
    expect(ociLabels(source, '1.2.3')).toEqual({
      'org.opencontainers.image.title': 'shop',
      'org.opencontainers.image.url': 'https://github.com/acme/shop',
      'org.opencontainers.image.source': 'https://github.com/acme/shop',
      'org.opencontainers.image.version': '1.2.3',
      'org.opencontainers.image.created': '1970-01-01T00:00:00.000Z',
      'org.opencontainers.image.revision': 'abc',
    });
  });
});
