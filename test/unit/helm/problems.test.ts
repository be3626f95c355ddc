import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { helmError } from '../../../src/helm/problems.ts';
import { valueFlags } from '../../../src/helm/values/flags.ts';

/** The error that a command's output stands for. */
function errorOf(stderr: string, stdout = '') {
  const call = { command: 'upgrade', release: 'checkout', namespace: 'shop' };
  return helmError(call, { exitCode: 1, stdout, stderr });
}

describe('helmError', () => {
  // As Helm 4.3 and 3.22 print them.
  it.each([
    [
      `Error: UPGRADE FAILED: values don't meet the specifications of the schema(s) in the following chart(s):\nshop:\n- at '/replicas': got string, want integer\n`,
      'invalid-input',
      'values',
    ],
    [
      'Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress',
      'locked',
      'release shop/checkout',
    ],
    ['Error: release: not found', 'not-found', 'release shop/checkout'],
    [
      'Error: UPGRADE FAILED: failed to create resource: server-side apply failed for object shop/q2 /v1, Kind=ConfigMap: configmaps "q2" is forbidden: exceeded quota: few, requested: configmaps=1, used: configmaps=3, limited: configmaps=3',
      'failed',
      'ResourceQuota few',
    ],
    [
      'Error: looks like "http://127.0.0.1:1/" is not a valid chart repository or cannot be reached: Get "http://127.0.0.1:1/index.yaml": dial tcp 127.0.0.1:1: connect: connection refused',
      'unreachable',
      'the repository of the chart',
    ],
    ['Error: repo nope not found', 'not-found', 'chart'],
    ['Error: chart "shop" version "9.9.9" not found in https://charts.example repository', 'not-found', 'chart'],
    [
      'Error: failed to perform "FetchReference" on source: GET "https://registry.example/v2/charts/shop/manifests/1.0.0": response status code 401: unauthorized: authentication required',
      'forbidden',
      'release shop/checkout',
    ],
    [
      'Error: failed pre-install: 1 error occurred:\n\t* job checkout-pre failed: BackoffLimitExceeded',
      'failed',
      'a hook of the chart',
    ],
    [
      'Error: UPGRADE FAILED: post-upgrade hooks failed: 1 error occurred:\n\t* job checkout-post failed: DeadlineExceeded',
      'failed',
      'a hook of the chart',
    ],
    ['Error: UPGRADE FAILED: context deadline exceeded', 'not-ready', 'release shop/checkout'],
    [
      'Error: Kubernetes cluster unreachable: Get "https://10.0.0.1:6443/version": dial tcp',
      'unreachable',
      'release shop/checkout',
    ],
  ])('knows %s', (stderr, code, about) => {
    expect(errorOf(stderr)).toMatchObject({ code, about });
  });

  it('says what is wrong with a field and leaves out the pod template that the API server quotes', () => {
    const quoted = JSON.stringify({ labels: { a: 'b' }, Spec: { Containers: ['x'.repeat(5_000)] } });
    const { code, problem } = errorOf(
      `level=WARN msg="upgrade failed" name=r error="…"\nError: UPGRADE FAILED: Job.batch "r-job" is invalid: spec.template: Invalid value: ${quoted}: field is immutable`,
    );
    expect(code).toBe('invalid-input');
    expect(problem).toBe(
      'helm upgrade: Job.batch "r-job" is invalid: spec.template: Invalid value: (…): field is immutable.',
    );
  });

  it('takes the errors of helm lint from its standard output', () => {
    const lint = `==> Linting c\n[INFO] Chart.yaml: icon is recommended\n[ERROR] templates/: shop/templates/z.yaml:1:13\n  executing "shop/templates/z.yaml" at <.Values.x.y>:\n    nil pointer evaluating interface {}.y\n`;
    const { code, problem } = errorOf('Error: 1 chart(s) linted, 1 chart(s) failed\n', lint);
    expect(code).toBe('invalid-input');
    expect(problem).toContain('nil pointer evaluating interface {}.y');
    expect(problem).not.toContain('icon');
  });

  it('says how a program ended that said nothing', () => {
    expect(errorOf('').problem).toBe('helm upgrade ended with status 1 and said nothing.');
  });
});

describe('valueFlags', () => {
  it('gives later sources the last word', async () => {
    const sources = {
      files: ['a.yaml', 'b.yaml'],
      inline: 'inline.yaml',
      canary: 'canary.yaml',
      set: ['x=1'],
      setString: ['tag=12e4'],
    };
    const folder = await mkdtemp(join(tmpdir(), 'values-'));
    expect((await valueFlags(sources, folder)).join(' ')).toBe(
      `--values a.yaml --values b.yaml --values inline.yaml --values canary.yaml --set x=1 --set-file tag=${folder}/value-0`,
    );
    expect(await readFile(join(folder, 'value-0'), 'utf8')).toBe('12e4');
    await rm(folder, { recursive: true });
  });
});
