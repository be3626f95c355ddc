// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of Dockerfiles
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { identityOf } from '../../../src/actions/build-push/identity.ts';
import { sourceOf } from '../../../src/actions/build-push/source.ts';
import { digestOf } from '../../../src/cluster/pods.ts';
import { parseReference, parseRepository, splitReference } from '../../../src/core/image-reference.ts';
import { isRecord } from '../../../src/core/json.ts';
import { buildahLogin, loginFrom, writeOwnAuthFile, writeOwnConfig } from '../../../src/images/credentials.ts';
import { outsideOf, triggersAreLocal } from '../../../src/images/dockerfile.ts';
import { buildFailure } from '../../../src/images/failures.ts';
import { createFilter, parseIgnoreFile } from '../../../src/images/ignore-file.ts';
import { writeRegistriesConfiguration } from '../../../src/images/insecure-registries.ts';
import { followBuildah, followBuildKit, slowest } from '../../../src/images/progress.ts';
import { parseChallenges } from '../../../src/images/registry/challenge.ts';
import { createRegistry } from '../../../src/images/registry/registry.ts';
import { isImmutable, parseTagRule, staleFloatingTags, tagsOf } from '../../../src/images/tags.ts';
import { parseImages, versionOf } from '../../../src/workloads/images.ts';
import { nearly, nearlyJsonText } from '../generators.ts';
import { ofText, type Reader, signal, unlessNamed } from '../reader.ts';
import { answeringServer } from '../server.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const folder = mkdtempSync(join(tmpdir(), 'sluice-fuzz-'));

function written(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const status = {
  vertexes: [
    {
      digest: 'a',
      name: '[1/2] RUN make',
      started: '2026-01-01T00:00:00Z',
      completed: '2026-01-01T00:00:09Z',
      error: 'x',
    },
  ],
  logs: [{ vertex: 'a', data: Buffer.from('one\ntwo').toString('base64') }],
};

/** What a registry answers: its status, its headers and its body, whatever it was asked for. */
const registryCase = fc.record({
  status: fc.constantFrom(200, 201, 202, 206, 301, 307, 400, 401, 403, 404, 405, 409, 418),
  later: fc.constantFrom(200, 202, 404),
  challenge: nearly(
    'Bearer realm="http://127.0.0.1:1/token?a=b",service="r",scope="repository:a:pull"',
    'Basic realm="x"',
    'Bearer realm="nonsense"',
  ),
  location: nearly('/v2/a/blobs/uploads/1', 'http://127.0.0.1:1/x', 'http://[::1'),
  link: nearly('</v2/a/tags/list?last=v9&n=1>; rel="next"', '<http://other/x>; rel=next'),
  body: nearlyJsonText(
    { tags: ['v1', 'latest'] },
    { token: 'abc', access_token: 'def', expires_in: 60 },
    { errors: [{ code: 'DENIED', message: 'x' }] },
    {
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [
        { digest, size: 3, mediaType: 'x', platform: { os: 'linux', architecture: 'amd64' }, annotations: {} },
      ],
    },
    { config: { digest, size: 3, mediaType: 'x' }, layers: [{ digest, size: 1, mediaType: 'y', annotations: {} }] },
    { config: { OnBuild: ['COPY . /'], Labels: {} }, os: 'linux', architecture: 'amd64' },
  ),
});

const registry: Reader = {
  name: 'registry',
  share: 0.3,
  cases: registryCase,
  async read(value) {
    if (!isRecord(value)) return;
    const server = await answeringServer();
    const text = (key: string) => String(value[key]);
    let asked = 0;
    server.answer(() => {
      asked += 1;
      return {
        status: Number(asked === 1 ? value.status : value.later),
        headers: {
          'www-authenticate': text('challenge').replace('127.0.0.1:1', server.host),
          location: text('location').replace('127.0.0.1:1', server.host),
          link: asked < 4 ? text('link') : '',
          'content-type': 'application/json',
        },
        body: text('body'),
      };
    });
    const repository = parseRepository(`${server.host}/acme/shop`);
    const client = createRegistry({
      plainHttp: [],
      patience: 300,
      signal,
      login: async () => ({ username: 'u', password: 'p' }),
    });
    try {
      const ask = [
        () => client.tags(repository),
        () => client.digest(repository, 'v1'),
        () => client.checkPush(repository),
        () => client.triggers(repository, digest, ['linux/amd64']),
        async () => {
          const top = await client.manifest(repository, 'v1');
          return top && client.inspect(repository, top);
        },
      ];
      await ask[text('body').length % ask.length]?.();
    } finally {
      await client.close();
    }
  },
};

export const imageReaders: readonly Reader[] = [
  ofText(
    'Dockerfile',
    nearly(
      '# syntax=docker/dockerfile:1\nARG BASE=alpine:3\nFROM ${BASE:-x} AS build\nRUN --mount=type=bind,from=tools,target=/t true\nADD https://example.com/a /a\nCOPY --from=build --chmod=755 ["a b", "/c"]\nCOPY <<EOF /x\n${A}\nEOF\n',
      '# escape=`\nFROM a\\\n AS b\nONBUILD COPY . /\n',
    ),
    (text) => [outsideOf(text, { BASE: 'debian' }), triggersAreLocal(text.split('\n').slice(0, 50))],
  ),
  ofText(
    'ignore file',
    nearly('**/charts\n!docs/*.md\n/a[b-d]?\n# c\n*a*a*a*a*a*b\n**/**/x', 'node_modules\n\\#x\n'),
    (text) => {
      for (const kind of ['buildx', 'buildah'] as const) {
        const filter = createFilter(parseIgnoreFile(text, kind));
        const parent = filter('docs', undefined);
        filter(`docs/${'a'.repeat(200)}.md`, parent.matched);
      }
    },
  ),
  ofText(
    'reference of an image',
    nearly('ghcr.io/acme/checkout:1.2.3@sha256:'.padEnd(99, 'a'), '[::1]:5000/a', 'alpine', 'a--b__c/d'),
    (text) => {
      splitReference(text);
      digestOf(text);
      versionOf(text);
      return Promise.all([parseReference, parseRepository, parseImages].map((read) => unlessNamed(() => read(text))));
    },
  ),
  ofText('rule of a tag', nearly('semver', 'raw=nightly', 'sha', 'branch', '1.2.3'), (text) => {
    const tags = tagsOf([parseTagRule(text)], { ref: `refs/heads/${text}`, revision: 'abcdef0123456789' });
    return staleFloatingTags(tags, [text, '1.2.3']);
  }),
  ofText(
    'name of a branch or tag',
    nearly('refs/heads/feature/new_cart', 'refs/tags/v1.2.3-rc.1+b', 'refs/pull/7/merge'),
    (ref) =>
      ['semver', 'branch', 'pr', 'sha'].map((rule) => {
        const tags = tagsOf([parseTagRule(rule)], { ref, revision: ref });
        return staleFloatingTags(tags, ['2.0.0', ref]);
      }),
  ),
  ofText('pattern of immutable tags', nearly('v*', '*a*a*a*a*a*a*a*a*a*a*a*b', 'versions', 'all'), (pattern) =>
    isImmutable('a'.repeat(127), [pattern]),
  ),
  ofText(
    'challenge of a registry',
    nearly('Bearer realm="https://auth.example/token?a=b",service="r",scope="repository:a:pull", Basic realm="x"'),
    (text) => parseChallenges(text),
  ),
  registry,
  ofText('progress of BuildKit', nearlyJsonText(status), (text) => {
    const follower = followBuildKit();
    for (const line of text.split('\n')) follower.note(line);
    follower.note(text);
    slowest(follower.steps(), 3);
    return buildFailure({ program: 'docker', exitCode: 1, steps: follower.steps(), texts: follower.texts() });
  }),
  ofText(
    'output of buildah',
    nearly('STEP 1/2: FROM a\n[1/2] STEP 2/2: RUN make\nx\nError: building at STEP "RUN": exit 1'),
    (text) => {
      const follower = followBuildah();
      for (const line of text.split('\n')) follower.note(line);
      return buildFailure({ program: 'buildah', exitCode: 1, steps: follower.steps(), texts: follower.texts() });
    },
  ),
  ofText(
    'configuration of docker',
    nearlyJsonText({
      auths: { 'https://index.docker.io/v1/': { auth: 'dTpw' }, 'ghcr.io': { username: 'u', password: 'p' } },
      credHelpers: { a: 'b' },
      HttpHeaders: {},
    }),
    async (text) => {
      const path = written('config.json', text);
      await unlessNamed(() => loginFrom(folder, 'docker.io', signal));
      await unlessNamed(() => buildahLogin([path], { registry: 'ghcr.io', path: 'acme/shop' }, signal));
      await unlessNamed(() =>
        writeOwnAuthFile([path], join(folder, 'own', 'auth.json'), 'r', { username: 'u', password: 'p' }),
      );
      await unlessNamed(() =>
        writeOwnConfig(join(folder, 'none'), join(folder, 'own'), 'r', { username: 'u', password: 'p' }),
      );
    },
  ),
  ofText(
    'registries.conf',
    nearly(
      'unqualified-search-registries = ["docker.io"]\n[[registry]]\nprefix = "a.b"\nlocation = "c"\n[[registry.mirror]]\nlocation = "d"\n',
    ),
    (text) => writeRegistriesConfiguration([written('registries.conf', text)], join(folder, 'made.conf'), ['a.b']),
  ),
  ofText('token of the workflow', nearlyJsonText({ iss: 'https://token', job_workflow_ref: 'a/b@c' }), (text) =>
    identityOf(`x.${Buffer.from(text).toString('base64url')}.y`),
  ),
  ofText('source of a build', nearly('refs/heads/main', 'refs/tags/v1', 'refs/pull/7/merge'), (text) =>
    sourceOf(
      { GITHUB_REF: text, GITHUB_SHA: text, GITHUB_REPOSITORY: text, GITHUB_SERVER_URL: text },
      {},
      text,
      1_800_000_000_000,
    ),
  ),
];
