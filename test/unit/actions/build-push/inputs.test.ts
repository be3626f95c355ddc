import { describe, expect, it } from 'vitest';
import { secretAttributes } from '../../../../src/actions/build-push/contradictions.ts';
import { buildSecrets, readBuildInputs } from '../../../../src/actions/build-push/load.ts';
import { sourceOf } from '../../../../src/actions/build-push/source.ts';
import { buildSummary, failureSummary } from '../../../../src/actions/build-push/summary.ts';
import { SluiceError } from '../../../../src/core/errors.ts';
import { parseRepository } from '../../../../src/core/image-reference.ts';
import { readGiven } from '../../../../src/runner/load-given.ts';

function load(inputs: Readonly<Record<string, string>>) {
  const masked: string[] = [];
  const env = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]));
  return { masked, read: () => readGiven(env, (secret) => masked.push(secret), buildSecrets, readBuildInputs) };
}
const image = 'ghcr.io/acme/checkout';

describe('inputs', () => {
  it('reads lists, rules and lines', () => {
    const { inputs } = load({
      image: `${image}\nacme/checkout`,
      tags: 'semver, raw=sha\nnightly',
      'build-args': 'A=1\nB=x=y, z',
      platforms: 'linux/amd64,linux/arm64',
    }).read();
    expect(inputs.image?.map(({ name }) => name)).toEqual([image, 'docker.io/acme/checkout']);
    expect(inputs.tags).toHaveLength(3);
    expect(inputs['build-args']).toEqual({ A: '1', B: 'x=y, z' });
    expect(inputs).toMatchObject({ push: true, reuse: true, 'immutable-tags': ['versions'], platforms: { length: 2 } });
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['"VERSION=1.2.3"\n"IS_CLOUD=true"', { VERSION: '1.2.3', IS_CLOUD: 'true' }],
    ['A=1\r\nB=2\r\n', { A: '1', B: '2' }],
    [
      '"KEY=-----BEGIN KEY-----\nabc\n-----END KEY-----"\nB=1',
      { KEY: '-----BEGIN KEY-----\nabc\n-----END KEY-----', B: '1' },
    ],
    ['"JSON={""host"":""a"",""port"":1}"', { JSON: '{"host":"a","port":1}' }],
    ['JSON={"host":"a","port":1}', { JSON: '{"host":"a","port":1}' }],
    ['FIRST="First"', { FIRST: '"First"' }],
    ['A=x=y, z', { A: 'x=y, z' }],
    ['EMPTY=', { EMPTY: '' }],
  ])('reads build arguments as docker’s action does: %j', (given, expected) => {
    expect(load({ image, 'build-args': given }).read().inputs['build-args']).toEqual(expected);
  });

  it('masks arguments and attributes of caches that are called as secrets are', () => {
    const { read, masked } = load({
      image,
      'build-args': 'NPM_TOKEN=planted-argument\nUSE_TOKEN=true\nVERSION=planted-version',
      'cache-to': 'type=s3,region=eu,access_key_id=planted-id,secret_access_key=planted-key',
    });
    const { inputs } = read();
    expect(masked).toEqual(['planted-argument', 'planted-id', 'planted-key']);
    expect(secretAttributes(inputs)).toEqual(['access_key_id', 'secret_access_key']);
  });

  it('masks secrets of several lines, whole and line by line', () => {
    const { read, masked } = load({
      image,
      secrets: '"KEY=first-line\nsecond-line"',
      'reuse-secret': 'a-secret-of-this-repository',
    });
    expect(read().inputs.secrets).toEqual({ KEY: 'first-line\nsecond-line' });
    expect(masked).toEqual(
      expect.arrayContaining(['first-line\nsecond-line', 'first-line', 'second-line', 'a-secret-of-this-repository']),
    );
  });

  it.each([
    ['True', true],
    ['TRUE', true],
    ['False', false],
    ['FALSE', false],
  ])('push: %s', (push, expected) => {
    expect(load({ image, push }).read().inputs.push).toBe(expected);
  });

  it('writes the names of owners small, as registries want them', () => {
    expect(load({ image: 'ghcr.io/AcmeCorp/Shop' }).read().inputs.image?.[0]?.name).toBe('ghcr.io/acmecorp/shop');
  });

  it('masks every secret before it reads anything, and quotes none', () => {
    const { read, masked } = load({
      image,
      secrets: 'npm=npm_Zq81\nthis is no pair',
      username: 'ci',
      password: 'hunter22',
      'cosign-password': 'Tr0ub4dor',
      tags: 'semvr',
    });
    let message = '';
    try {
      read();
    } catch (error) {
      message = String(error);
    }
    expect(masked).toEqual(
      expect.arrayContaining(['npm_Zq81', 'this is no pair', 'hunter22', btoa('ci:hunter22'), 'Tr0ub4dor']),
    );
    expect(message).toContain('line 2 is not of the form NAME=VALUE');
    expect(message).toContain('near the rule "semver"');
    for (const secret of masked) expect(message).not.toContain(secret);
  });

  it.each<[Readonly<Record<string, string>>, string]>([
    [{}, '"image" is needed'],
    [{ image, load: 'true' }, '"load" and "push" exclude each other'],
    [{ image, username: 'ci' }, '"username" and "password" belong together'],
    [{ image, builder: 'a', 'buildkit-address': 'tcp://b:1' }, 'exclude each other'],
    [{ image, cache: 'local' }, '"cache-dir" belong together'],
    [{ image, sign: 'key' }, '"cosign-key" belong together'],
    [{ push: 'false', sign: 'keyless' }, '"sign" needs "push"'],
    [{ image, 'builder-kind': 'buildah', provenance: 'mode=max' }, '"provenance" is for buildx'],
    [{ image, 'builder-kind': 'buildah', cache: 'gha' }, '"cache" is for buildx'],
    [{ image, secrets: 'a=1234', 'secret-files': 'a=/x' }, '"secrets" and "secret-files" both have a'],
    [{ image, secrets: 'a=s3cr3t', 'build-args': 'TOKEN=x-s3cr3t' }, 'TOKEN has the value of a secret'],
    [{ image, context: 'https://github.com/acme/shop.git' }, 'is not on this runner'],
    [{ image: 'ghcr.io/acme/checkout:1' }, 'names a tag'],
    [{ image: 'ghcr.io/acme/checkout:' }, 'names an empty tag or digest as well. Give the repository alone'],
    [{ image, 'build-args': '"A=1' }, 'has a quote that is not closed'],
    [{ image, push: 'yes' }, '"yes" is neither true nor false'],
    [{ image, 'reuse-secret': 'short' }, 'is shorter than 16 characters'],
    [{ push: 'false', 'reuse-secret': 'long enough to be one' }, '"reuse-secret" needs "push"'],
  ])('refuses %j', (inputs, problem) => {
    expect(load(inputs).read).toThrow(problem);
  });
});

describe('sourceOf', () => {
  it('takes the pull request from the event, and else from the ref', () => {
    const env = { GITHUB_REF: 'refs/pull/7/merge', GITHUB_REPOSITORY: 'acme/shop' };
    expect(sourceOf(env, {}, 'abc', 5)).toEqual({
      ref: 'refs/pull/7/merge',
      revision: 'abc',
      pullRequest: 7,
      url: 'https://github.com/acme/shop',
      title: 'shop',
      createdAt: 5,
    });
    expect(sourceOf(env, { pull_request: { number: 8 } }, 'abc', 5).pullRequest).toBe(8);
  });

  it('says nothing of a licence that GitHub could not name', () => {
    const license = { spdx_id: 'NOASSERTION' };
    expect(sourceOf({}, { repository: { license } }, undefined, undefined)).toEqual({});
  });
});

describe('summary', () => {
  const outcome = {
    digest: 'sha256:1',
    tags: ['1.2.3'],
    platforms: ['linux/amd64'],
    size: 1_500_000,
    provenance: true,
    sbom: false,
    signed: false,
    skipped: true,
    contentKey: 'sluice-1',
    slowest: [],
  };
  const result = { outcome, repositories: [parseRepository(image)], version: '1.2.3' };

  it('says that nothing was built, what the image is, and how to check it', () => {
    const text = buildSummary(result, { dryRun: false });
    expect(text).toContain('Unchanged');
    expect(text).toContain(`\`${image}@sha256:1\``);
    expect(text).toContain(`\`${image}:1.2.3\``);
    expect(text).toContain('1.50 MB');
    expect(text).toContain('{{ json .Provenance }}');
    expect(text).not.toContain('{{ json .SBOM }}');
  });

  it('lets what a step printed be nothing but text', () => {
    const error = new SluiceError('failed', {
      about: 'step <b>',
      problem: 'failed. Its last lines:\n  | </details> ```',
      next: 'Do.',
    });
    const text = failureSummary(error);
    expect(text).toContain('step &lt;b&gt;');
    expect(text).toContain('````text\n  | </details> ```\n````');
  });
});
